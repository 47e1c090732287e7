import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import type { LetterView, PreviewView, RedriveView } from './views.ts';

type Of<T> = T & { readonly service: string };

export function letterTable(letters: readonly Of<LetterView>[]): string {
  if (letters.length === 0) return 'no dead letters';
  const rows = letters.map((letter) => [
    letter.service,
    letter.id,
    letter.slip ?? letter.key ?? '-',
    letter.reason,
    letter.status,
    `${letter.topic}:${letter.partition}:${letter.offset}`,
    String(letter.attempts),
    showTime(letter.failed_at),
    letter.detail,
  ]);
  return table([
    ['service', 'id', 'slip', 'reason', 'status', 'record', 'tries', 'failed', 'detail'],
    ...rows,
  ]);
}

export function previewTable(previews: readonly Of<PreviewView>[]): string {
  const rows = previews.map((preview) => [
    preview.service,
    String(preview.slips),
    String(preview.letters),
    preview.by_reason.map(({ reason, letters }) => `${letters} ${reason}`).join(', ') || '-',
    String(preview.exhausted),
  ]);
  return table([['service', 'slips', 'letters', 'by reason', 'tried too often'], ...rows]);
}

export function redriveTable(redrives: readonly Of<RedriveView>[]): string {
  const rows = redrives.map(({ service, redriven, failed, waiting, id }) => [
    ...[service, String(redriven), String(failed), String(waiting), id],
  ]);
  return table([['service', 'handled', 'failed again', 'not looked at', 'redrive'], ...rows]);
}
