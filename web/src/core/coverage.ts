// What the positions of a shift say of places: covered, not covered, or unknown. The same rules as the
// server's (gridmgmt/domain/coverage.py), for the worker's own eyes while he walks and has no network; what
// counts is what the server computes. tests/core/coverage.json holds cases that both are tested with.
//
// What holds: only a position within reach covers. What could have been reached while positions were missing
// for longer than the gap, or lies beside the straight way between two positions, is unknown; nothing is
// interpolated. Positions come in the order of their times and are looked at once each.
//
// Headless: no clock. Measured on a plane that touches the ellipsoid, good to centimetres over a street.

import { standingOf } from './distance.ts'

export interface Rules {
  reach_m: number
  accuracy_m: number
  gap_s: number
  share: number
  speed_m_s: number
}

/** The server's own; the plan of the day says the first four of an installation. */
export const RULES: Rules = { reach_m: 25, accuracy_m: 50, gap_s: 120, share: 0.8, speed_m_s: 8 }

export interface Fix {
  at_ms: number
  lon: number
  lat: number
  accuracy_m: number | null
}

export type Verdict = 'covered' | 'unknown' | 'not_covered'
export type XY = readonly [x: number, y: number]

const PIECE_M = 5
const A_M = 6_378_137
const E2 = 0.006_694_380_022_9

/** Metres east and north of an origin. */
export class Plane {
  readonly #lon: number
  readonly #lat: number
  readonly #east: number
  readonly #north: number

  constructor(lon: number, lat: number) {
    const phi = (lat * Math.PI) / 180
    const w = Math.sqrt(1 - E2 * Math.sin(phi) ** 2)
    this.#lon = lon
    this.#lat = lat
    this.#east = ((A_M / w) * Math.cos(phi) * Math.PI) / 180
    this.#north = ((A_M * (1 - E2)) / w ** 3 / 180) * Math.PI
  }

  at(lon: number, lat: number): XY {
    return [(lon - this.#lon) * this.#east, (lat - this.#lat) * this.#north]
  }
}

const apart = (a: XY, b: XY): number => Math.hypot(a[0] - b[0], a[1] - b[1])

/** How far a place is from the straight line between two others. */
export function fromWay(place: XY, a: XY, b: XY): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  const length = dx * dx + dy * dy
  const t = length === 0 ? 0 : ((place[0] - a[0]) * dx + (place[1] - a[1]) * dy) / length
  const clamped = Math.min(1, Math.max(0, t))
  return apart(place, [a[0] + clamped * dx, a[1] + clamped * dy])
}

export const counts = (fix: Pick<Fix, 'accuracy_m'>, rules: Rules): boolean =>
  fix.accuracy_m !== null && fix.accuracy_m <= rules.accuracy_m

/** Looks at some places while a shift goes on. */
export class Watched {
  readonly #places: readonly XY[]
  readonly #plane: Plane
  readonly #rules: Rules
  readonly #near: boolean[]
  readonly #doubt: boolean[]
  readonly #reached: (number | null)[]
  #last: { at_ms: number; place: XY | null }
  #seen = 0
  #unseen_ms = 0

  /** `places` in metres of the plane. */
  constructor(places: readonly XY[], plane: Plane, began_ms: number, rules: Rules) {
    this.#places = places
    this.#plane = plane
    this.#rules = rules
    this.#near = places.map(() => false)
    this.#doubt = places.map(() => false)
    this.#reached = places.map(() => null)
    this.#last = { at_ms: began_ms, place: null }
  }

  /** A position of the shift; one that is too vague, or older than the last, does not count. */
  add(fix: Fix): void {
    if (!counts(fix, this.#rules) || fix.at_ms < this.#last.at_ms) return
    const place = this.#plane.at(fix.lon, fix.lat)
    const before = this.#last
    const waited_ms = fix.at_ms - before.at_ms
    const gap = waited_ms > this.#rules.gap_s * 1000
    if (gap) this.#unseen_ms += waited_ms
    const { reach_m } = this.#rules
    this.#places.forEach((one, index) => {
      if (apart(one, place) <= reach_m) {
        this.#near[index] = true
        this.#reached[index] ??= fix.at_ms
      } else if (gap) {
        if (this.#reachable(one, waited_ms, before.place, place)) this.#doubt[index] = true
      } else if (before.place && fromWay(one, before.place, place) <= reach_m) this.#doubt[index] = true
    })
    this.#last = { at_ms: fix.at_ms, place }
    this.#seen += 1
  }

  /** The verdicts at a time not before the last position, and how long positions were missing until then. */
  at(now_ms: number): { verdicts: Verdict[]; reached_ms: (number | null)[]; unseen_ms: number } {
    const waited_ms = now_ms - this.#last.at_ms
    const gap = waited_ms > this.#rules.gap_s * 1000
    const verdicts = this.#places.map((one, index): Verdict => {
      if (this.#near[index]) return 'covered'
      const open = gap && this.#reachable(one, waited_ms, this.#last.place, null)
      return this.#doubt[index] || open || this.#seen === 0 ? 'unknown' : 'not_covered'
    })
    return { verdicts, reached_ms: [...this.#reached], unseen_ms: this.#unseen_ms + (gap ? waited_ms : 0) }
  }

  #reachable(place: XY, waited_ms: number, before: XY | null, after: XY | null): boolean {
    const known = [before, after].filter((end): end is XY => end !== null)
    const there = known.reduce((sum, end) => sum + apart(end, place), 0)
    return there <= this.#rules.speed_m_s * (waited_ms / 1000) + known.length * this.#rules.reach_m
  }
}

/** The middles of the pieces that a line is looked at in; a point is one piece. */
export function pieces(line: readonly XY[]): XY[] {
  const [first] = line
  if (!first) return []
  const lengths = line.slice(1).map((to, index) => apart(line[index] ?? to, to))
  const whole = lengths.reduce((sum, one) => sum + one, 0)
  if (whole === 0) return [first]
  const count = Math.max(1, Math.ceil(whole / PIECE_M))
  return Array.from({ length: count }, (_, index) => along(line, lengths, ((index + 0.5) / count) * whole))
}

function along(line: readonly XY[], lengths: readonly number[], at_m: number): XY {
  let left = at_m
  for (const [index, length] of lengths.entries()) {
    const [a, b] = [line[index], line[index + 1]]
    if (!a || !b) break
    if (left <= length && length > 0) return [a[0] + ((b[0] - a[0]) * left) / length, a[1] + ((b[1] - a[1]) * left) / length]
    left -= length
  }
  return line[line.length - 1] ?? [0, 0]
}

/** The verdict on a checkpoint (whole or not at all) or on a way, by the shares of its pieces. */
export function verdictOf(parts: readonly Verdict[], is_way: boolean, rules: Rules): Verdict {
  const covered = parts.filter((one) => one === 'covered').length / parts.length
  const unknown = parts.filter((one) => one === 'unknown').length / parts.length
  const need = is_way ? rules.share : 1
  if (covered >= need) return 'covered'
  return covered + unknown >= need ? 'unknown' : 'not_covered'
}

export type AtPlace = 'at_place' | 'not_at_place' | 'unknown'

/** What a position says of a tap at a place, as the server will (gridmgmt/domain/atplace.py). */
export function seenAt(line: readonly XY[], fix: Fix | null, plane: Plane, rules: Rules): { said: AtPlace; distance_m: number | null } {
  const [first, ...rest] = line
  if (!fix || !first) return { said: 'unknown', distance_m: null }
  const here = plane.at(fix.lon, fix.lat)
  const ways = rest.map((to, index) => fromWay(here, line[index] ?? to, to))
  const distance_m = Math.round(Math.min(apart(here, first), ...ways) * 10) / 10
  const standing = standingOf(distance_m, fix.accuracy_m, rules.reach_m, rules.accuracy_m)
  return { said: standing === 'at_place' ? standing : standing === 'away' ? 'not_at_place' : 'unknown', distance_m }
}
