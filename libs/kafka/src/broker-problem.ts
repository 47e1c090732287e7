/** What is wrong with the address of a broker; null: nothing. kafkajs itself takes what is none, and tries for long to reach it. */
export function brokerProblem(broker: string): string | null {
  const [, port] = /^[^\s:,/]+:(\d{1,5})$/.exec(broker) ?? [];
  return port !== undefined && Number(port) > 0 && Number(port) <= 65_535 ? null : 'must be host:port';
}
