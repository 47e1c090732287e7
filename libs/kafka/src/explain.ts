/** What an end of a connection says of how it was begun: the words of OpenSSL, of kafkajs or of Kafka name no cause. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/SSL alert number (?:42|116)\b/, 'the broker asks for a certificate, and was shown none that it takes'],
  [/SSL alert number (?:43|44|45|46|48)\b/, 'the broker does not trust the certificate that it was shown'],
  [/before secure TLS connection was established|wrong version number/, 'the broker speaks no TLS there'],
  [
    /unable to verify the first certificate|self-signed certificate|unable to get (?:local )?issuer certificate/,
    'nobody who is trusted has signed the certificate of the broker',
  ],
  [/current SASL state/, 'the broker asks for no login there'],
  [/does not host this topic-partition/, 'the topic is not there, or this login may not see it'],
  [/^Closed connection$/, 'the broker ended the connection: it may ask for a login, or for TLS'],
];

/** The text of an error of the Kafka client in one line, and before it what it means where that is known. */
export function explain(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  const meaning = meanings.find(([words]) => words.test(line))?.[1];
  return meaning === undefined ? line : `${meaning} (${line})`;
}
