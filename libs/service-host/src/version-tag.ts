/**
 * The ETag of what is shown at a version; `language`: of a representation in another language than the usual one, which is
 * another representation (RFC 9110 section 8.8.3).
 */
export function versionTag(version: number, language: string | null = null): string {
  return language === null ? `"${version}"` : `"${version}-${language}"`;
}

/** The version that such an ETag names, whatever its language; null: it is none. */
export function versionInTag(tag: string): number | null {
  const version = /^"(0|[1-9]\d{0,8})(?:-[a-z]{2})?"$/.exec(tag)?.[1];
  return version === undefined ? null : Number(version);
}
