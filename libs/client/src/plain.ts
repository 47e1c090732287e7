/** An object with fields of its own: a list, a Map or a Date has none, and what it holds would be lost in silence. */
export function isPlain(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]';
}
