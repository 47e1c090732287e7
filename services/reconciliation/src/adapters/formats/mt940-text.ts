/** The text of a `:86:` in subfields `?20` to `?29` and `?60` to `?63`, put together again; as it is where it has none. */
function purposeOf(text: string): readonly string[] {
  const flat = text.replaceAll('\n', '');
  if (!/^\d{3}\?/.test(flat)) return text.split('\n');
  const parts = flat.split('?').slice(1);
  return parts.filter((part) => /^(2\d|6[0-3])/.test(part)).map((part) => part.slice(2));
}

const names = 'EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|MTLG|PURP|BIC|IBAN';
const keyword = new RegExp(`^(${names})[+:]`);
/** Before a keyword within a line. */
const beforeKeyword = new RegExp(`\\s+(?=(?:${names})[+:])`);
/** Between slashes, as Dutch banks write them: up to two slashes, or the next word between slashes. */
const slashed = /\/EREF\/(.+?)(?=\/\/|\/[A-Z]{3,4}\/|\/?$)/g;

/** References after SEPA's keywords: EREF is the end-to-end reference, KREF the customer's. */
export function referencesIn(text: string): readonly string[] {
  const between = [...text.replaceAll('\n', '').matchAll(slashed)].map(([, reference]) => reference!.trim());
  return [...afterKeywords(text), ...between.filter((one) => one !== '' && one !== 'NOTPROVIDED')];
}

function afterKeywords(text: string): readonly string[] {
  const found: string[] = [];
  let open: string | null = null;
  const end = () => {
    if (open !== null && open.trim() !== '' && open.trim() !== 'NOTPROVIDED') found.push(open.trim());
    open = null;
  };
  for (const part of purposeOf(text).flatMap((one) => one.split(beforeKeyword))) {
    const match = keyword.exec(part);
    if (match) end();
    if (match && (match[1] === 'EREF' || match[1] === 'KREF')) open = part.slice(5);
    else if (!match && open !== null) open += part;
  }
  end();
  return found;
}

/** `?34` is the bank's code for why money came back; it says nothing in another country, so it is kept as it came. */
export function reasonIn(text: string): string | null {
  return /\?34(\d{3})/.exec(text)?.[1] ?? null;
}
