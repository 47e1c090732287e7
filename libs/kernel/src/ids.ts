const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** True for a UUID (RFC 9562) in its canonical lower-case text form. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
