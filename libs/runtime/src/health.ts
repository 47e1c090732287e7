export interface Health {
  readonly ok: boolean;
  /** Why, for the operator. */
  readonly detail?: string;
}

/** Must answer at once: it reads what the part already knows and asks nobody. */
export type HealthCheck = () => Health;
