// What a position is worth: how near, how old, and what to do when it is not good enough.

/** Up to here a position needs no word from the worker. */
export const GOOD_M = 30
/** From here on it may be another cell: the worker is asked to set the point himself. */
export const POOR_M = 100
/** The server takes no accuracy beyond this; a worse one is left out and the point set by hand. */
export const MOST_M = 1000
/** A last known position older than this is shown, and not used by itself. */
export const STALE_MS = 2 * 60_000

export type Worth = 'good' | 'fair' | 'poor' | 'unusable'

export function worthOf(accuracy_m: number | null): Worth {
  // A phone that does not say how exact it is may be anywhere.
  if (accuracy_m === null) return 'poor'
  if (accuracy_m <= GOOD_M) return 'good'
  if (accuracy_m <= POOR_M) return 'fair'
  return accuracy_m <= MOST_M ? 'poor' : 'unusable'
}

/** How old a position is in words: a unit and a whole number of it, rounded down. */
export function ageOf(taken_ms: number, now_ms: number): { unit: 'now' | 'seconds' | 'minutes' | 'hours' | 'days'; amount: number } {
  const seconds = Math.max(0, Math.floor((now_ms - taken_ms) / 1000))
  if (seconds < 10) return { unit: 'now', amount: 0 }
  if (seconds < 60) return { unit: 'seconds', amount: seconds }
  if (seconds < 3600) return { unit: 'minutes', amount: Math.floor(seconds / 60) }
  if (seconds < 86_400) return { unit: 'hours', amount: Math.floor(seconds / 3600) }
  return { unit: 'days', amount: Math.floor(seconds / 86_400) }
}

/** Whether a last known position may stand for where somebody is now. */
export const isFresh = (taken_ms: number, now_ms: number): boolean => now_ms - taken_ms <= STALE_MS
