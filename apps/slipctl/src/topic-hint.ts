/** Brokers do not say which topic they lack. */
export function withTopicHint(why: string): string {
  return why.includes('does not host this topic-partition')
    ? `${why}; a topic is not there: \`slipctl topics check\` says which`
    : why;
}
