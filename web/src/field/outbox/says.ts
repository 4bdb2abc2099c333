// An entry of the outbox in the reader's words.

import type { Entry } from '../../core/outbox.ts'
import { heldBy, needsLook, photosOf } from '../../core/outbox.ts'
import type { Text } from '../../ui/i18n.ts'

/** What its owner reads. A report is called as its class is, which the catalogue names in Chinese. */
export const titleOf = (entry: Pick<Entry, 'kind' | 'title'>, { category }: Pick<Text, 'category'>): string =>
  entry.kind === 'report' ? category(entry.title) : entry.title

/** What is said of an entry beside its title: its photos, its tries, what holds it up. */
export function hint(entry: Entry, all: readonly Entry[], now_ms: number, { t, time }: Text): string {
  const parts: string[] = []
  const photos = photosOf(entry)
  if (photos.all && entry.state !== 'sent') parts.push(t('outbox.photos', { stored: photos.stored, all: photos.all }))
  const holds = heldBy(entry, all)
  if (holds) parts.push(t('outbox.held', { title: holds.title }))
  else if (needsLook(entry)) parts.push(t(entry.state === 'conflict' ? 'outbox.conflict_short' : `errors.${codeOf(entry)}.title`))
  else if (entry.state === 'queued' && entry.attempts > 0) {
    parts.push(t('field.attempts', { n: entry.attempts }))
    if (entry.next_at_ms > now_ms) parts.push(t('field.next_try', { time: time(entry.next_at_ms, 'clock') }))
  }
  return parts.join(' · ')
}

export const codeOf = (entry: Pick<Entry, 'problem'>): string => entry.problem?.code ?? 'grid_error'
