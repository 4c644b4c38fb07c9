/** What doctor found of one thing. */
export interface Check {
  readonly name: string;
  /** `problem`: pool5 cannot do its work; `warning`: it can, but slower or not for long; `note`: for information. */
  readonly status: 'ok' | 'note' | 'warning' | 'problem';
  readonly found: string;
  /** What to do about it: a sentence. */
  readonly fix?: string;
}
