/**
 * The ETag of what is shown at a version; `variants`: what else decides what is shown, in small letters and digits, such as another
 * language than the usual one: that is another representation (RFC 9110 section 8.8.3); null: nothing.
 */
export function versionTag(version: number, ...variants: readonly (string | null)[]): string {
  return `"${[version, ...variants.filter((one) => one !== null)].join('-')}"`;
}

/** The version that such an ETag names, whatever its variants; null: it is none. */
export function versionInTag(tag: string): number | null {
  const version = /^"(0|[1-9]\d{0,8})(?:-[a-z\d]{1,16})*"$/.exec(tag)?.[1];
  return version === undefined ? null : Number(version);
}
