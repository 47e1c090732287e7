import { expect, it } from '@jest/globals';
import { brokerProblem } from './broker-problem.ts';

it.each(['localhost:9092', '127.0.0.1:1', 'kafka-0.internal:65535'])('takes %s', (broker) => {
  expect(brokerProblem(broker)).toBeNull();
});

it.each(['', 'localhost', 'localhost:', ':9092', 'a:0', 'a:65536', 'a:x', 'a b:1', 'kafka://a:1', 'a:1,b:2'])(
  'refuses %j',
  (broker) => {
    expect(brokerProblem(broker)).toBe('must be host:port');
  },
);
