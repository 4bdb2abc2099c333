// How often a patrol asks where it is, so that a phone lasts its shift.
//
// With enough battery the receiver stays on and says whenever he moved. When it runs low the receiver sleeps
// between single positions: first every three quarters of a minute, then as seldom as coverage allows without
// a gap (two minutes, gridmgmt/domain/coverage.py). What he passes between two positions is then unknown,
// and the page says so.

export interface Battery {
  /** 0 to 1. */
  level: number
  charging: boolean
}

export type PaceName = 'full' | 'sparing' | 'last'

export interface Pace {
  name: PaceName
  /** Pause between single positions; null leaves the receiver on. */
  every_ms: number | null
}

const LOW = 0.2
const VERY_LOW = 0.1

/** Without a battery that tells, and on the charger, nothing is spared. */
export function paceOf(battery: Battery | null): Pace {
  if (!battery || battery.charging || battery.level > LOW) return { name: 'full', every_ms: null }
  return battery.level > VERY_LOW ? { name: 'sparing', every_ms: 45_000 } : { name: 'last', every_ms: 100_000 }
}
