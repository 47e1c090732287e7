/** What the services' `/v1/dead-letters` answers, as far as it is read here. */
export interface LetterView {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly slip: string | null;
  readonly key: string | null;
  readonly reason: string;
  readonly detail: string;
  readonly attempts: number;
  readonly status: string;
  readonly failed_at: string;
}

export interface PreviewView {
  /** Of the redrive; null: nothing was asked for, only counted. */
  readonly id: string | null;
  readonly letters: number;
  readonly slips: number;
  readonly exhausted: number;
  readonly by_reason: readonly { readonly reason: string; readonly letters: number }[];
}

export interface RedriveView {
  readonly id: string;
  readonly letters: number;
  readonly slips: number;
  readonly waiting: number;
  readonly redriven: number;
  readonly failed: number;
}
