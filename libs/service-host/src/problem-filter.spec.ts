import { expect, it, jest } from '@jest/globals';
import { type ArgumentsHost, Logger } from '@nestjs/common';
import { ProblemFilter } from './problem-filter.ts';
import type { RouteTable } from './route-table.ts';

/** Catches a failure of a request whose connection is in this state; gives the status and what was logged. */
function caught(error: unknown, raw: { complete: boolean; destroyed: boolean }) {
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
  const request = { raw, id: 'r-1', method: 'POST', routeOptions: {} };
  const http = { getRequest: () => request, getResponse: () => reply };
  const host = { switchToHttp: () => http } as unknown as ArgumentsHost;
  new ProblemFilter({} as RouteTable).catch(error, host);
  const lines = logged.mock.calls.length;
  logged.mockRestore();
  return { status: answered.status, lines };
}

it('takes a caller that hung up in the middle of its body for no failure of ours', () => {
  expect(caught(new Error('aborted'), { complete: false, destroyed: true })).toEqual({
    status: 400,
    lines: 0,
  });
});

it('still tells a failure after the whole body had come', () => {
  expect(caught(new Error('aborted'), { complete: true, destroyed: true })).toEqual({
    status: 500,
    lines: 1,
  });
});
