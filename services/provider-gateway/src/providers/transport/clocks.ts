export interface ProviderClocks {
  /** `not_after` is checked on it. */
  readonly monotonicMs: () => number;
  /** The time of day, in milliseconds since 1970: it tells how old what a provider signed is. */
  readonly nowMs: () => number;
}
