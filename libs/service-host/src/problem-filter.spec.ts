import { expect, it, jest } from '@jest/globals';
import { type ArgumentsHost, Logger } from '@nestjs/common';
import { logIdsOf, type NamedRequest } from './log-ids.ts';
import { ProblemFilter } from './problem-filter.ts';
import type { RouteTable } from './route-table.ts';

/** Catches a failure of a request whose connection is in this state; gives the status and what was logged. */
function caught(
  error: unknown,
  raw: { complete: boolean; destroyed: boolean },
  headers: Record<string, string> = {},
) {
  const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const answered = { status: 0 };
  const reply = {
    raw: { headersSent: false },
    hasHeader: () => true,
    code: (status: number) => {
      answered.status = status;
      return reply;
    },
    type: () => reply,
    send: () => reply,
  };
  const request = { raw, id: 'r-1', method: 'POST', headers, routeOptions: {} };
  const http = { getRequest: () => request, getResponse: () => reply };
  const host = { switchToHttp: () => http } as unknown as ArgumentsHost;
  new ProblemFilter({} as RouteTable).catch(error, host);
  const lines = logged.mock.calls.length;
  const [, fields] = logged.mock.calls[0] ?? [];
  logged.mockRestore();
  return { status: answered.status, lines, fields };
}

it('takes a caller that hung up in the middle of its body for no failure of ours', () => {
  expect(caught(new Error('aborted'), { complete: false, destroyed: true })).toMatchObject({
    status: 400,
    lines: 0,
  });
});

it('still tells a failure after the whole body had come', () => {
  expect(caught(new Error('aborted'), { complete: true, destroyed: true })).toMatchObject({
    status: 500,
    lines: 1,
  });
});

it('tells by which request and trace a line is found; what is no trace is not told', () => {
  const whole = { complete: true, destroyed: false };
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  expect(caught(new Error('broken'), whole, { traceparent }).fields).toMatchObject({
    ...{ requestId: 'r-1', traceId: '0af7651916cd43dd8448eb211c80319c' },
  });
  expect(caught(new Error('broken'), whole, { traceparent: 'x' }).fields).not.toHaveProperty('traceId');
});

it.each([
  ['/v1/slips/:id/events', { id: 's-1' }, 's-1'],
  ['/v1/cases/:slip_id/actions', { slip_id: 's-1' }, 's-1'],
  ['/v1/statements/:id', { id: 'st-1' }, undefined],
  [undefined, undefined, undefined],
])('tells which slip a request to %s is about', (url, params, slipId) => {
  const request = { id: 'r-1', headers: {}, params, routeOptions: { url } } as unknown as NamedRequest;
  expect(logIdsOf(request).slipId).toBe(slipId);
});
