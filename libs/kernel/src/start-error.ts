/**
 * The service cannot start because what it was given is wrong: an environment variable, the rules file.
 * The message is for the operator (it says where and why, and holds no secret), so it is printed without a stack.
 */
export class StartError extends Error {
  override readonly name: string = 'StartError';
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super([what, ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.problems = problems;
  }
}
