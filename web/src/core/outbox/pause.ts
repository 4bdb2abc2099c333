// When to try again.

const FIRST_PAUSE_MS = 2_000
export const LONGEST_PAUSE_MS = 300_000

/** Pause before attempt `attempts + 1`: doubling, capped, and spread so that phones do not march in step. */
export function pauseMs(attempts: number, random: () => number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** Math.max(attempts - 1, 0), LONGEST_PAUSE_MS)
  return Math.round(full * (0.5 + random() / 2))
}

/** An hour covers what a server may ask for; a wait beyond it comes from a clock that was put back. */
const LONGEST_WAIT_MS = 3_600_000

export const isDue = (next_at_ms: number, now_ms: number): boolean =>
  next_at_ms <= now_ms || next_at_ms - now_ms > LONGEST_WAIT_MS
