// In which order to walk the day's checkpoints and road segments: short, and the same for the same day.
//
// The nearest first, then stretches turned round (2-opt) and stops moved (Or-opt) as long as that shortens
// the walk, as the planners' routes do (gridmgmt/planning/routes.py). Between stops straight lines count, a
// third longer than they are: nobody walks through walls. The walk begins where the worker is and ends at
// the last stop.
//
// Headless, and without chance: equal stops are taken in the order given.

import { Plane } from './coverage.ts'
import type { XY } from './coverage.ts'

export interface Stop {
  id: string
  /** One place, or the corners of a way, which may be walked from either end. */
  places: readonly (readonly number[])[]
}

export interface Leg {
  id: string
  /** Whether the way is walked from its end to its beginning. */
  backwards: boolean
  /** Metres of walk from the stop before to here. */
  from_before_m: number
}

const DETOUR = 1.3
const WORTH_M = 0.01
const MOST_MOVED = 3
/** More stops than these are walked nearest first: a phone has little to think with. */
const MOST_IMPROVED = 60

interface Visit {
  stop: number
  back: boolean
}

/** The stops in the order to walk them. `from` is where the walk begins; without it, at the first stop given. */
export function walkingOrder(stops: readonly Stop[], from: readonly number[] | null): Leg[] {
  const [first] = stops
  const origin = from ?? first?.places[0]
  if (!first || !origin) return []
  const plane = new Plane(origin[0] ?? 0, origin[1] ?? 0)
  const ends = stops.map(({ places }): readonly [XY, XY] => {
    const at = (place: readonly number[] | undefined): XY => plane.at(place?.[0] ?? 0, place?.[1] ?? 0)
    return [at(places[0]), at(places[places.length - 1])]
  })
  const tour = new Tour(ends, [0, 0])
  return tour.found().map(({ stop, back }, index, all) => ({
    id: stops[stop]?.id ?? '',
    backwards: back,
    from_before_m: Math.round(tour.between(all[index - 1], { stop, back })),
  }))
}

class Tour {
  readonly #ends: readonly (readonly [XY, XY])[]
  readonly #start: XY

  constructor(ends: readonly (readonly [XY, XY])[], start: XY) {
    this.#ends = ends
    this.#start = start
  }

  /** Metres from the end of one visit (or the start) to the beginning of another; nothing after the last. */
  between(before: Visit | undefined, after: Visit | undefined): number {
    if (!after) return 0
    const a = before ? this.#end(before.stop, !before.back) : this.#start
    const b = this.#end(after.stop, after.back)
    return Math.hypot(a[0] - b[0], a[1] - b[1]) * DETOUR
  }

  found(): Visit[] {
    let tour = this.#nearestFirst()
    if (tour.length > MOST_IMPROVED) return tour
    for (;;) {
      const better = this.#turned(tour) ?? this.#moved(tour)
      if (!better) return tour
      tour = better
    }
  }

  #end(stop: number, last: boolean): XY {
    return this.#ends[stop]?.[last ? 1 : 0] ?? this.#start
  }

  #nearestFirst(): Visit[] {
    const left = new Set(this.#ends.keys())
    const tour: Visit[] = []
    while (left.size) {
      let best: Visit | null = null
      let least = Infinity
      for (const stop of left) {
        for (const back of [false, true]) {
          const metres = this.between(tour.at(-1), { stop, back })
          if (metres < least - 1e-9) [best, least] = [{ stop, back }, metres]
        }
      }
      if (!best) break
      tour.push(best)
      left.delete(best.stop)
    }
    return tour
  }

  #turned(tour: readonly Visit[]): Visit[] | null {
    for (let i = 0; i < tour.length; i += 1) {
      for (let j = i; j < tour.length; j += 1) {
        const turned = turn(tour.slice(i, j + 1))
        const old = this.between(tour[i - 1], tour[i]) + this.between(tour[j], tour[j + 1])
        const made = this.between(tour[i - 1], turned[0]) + this.between(turned.at(-1), tour[j + 1])
        if (made < old - WORTH_M) return [...tour.slice(0, i), ...turned, ...tour.slice(j + 1)]
      }
    }
    return null
  }

  #moved(tour: readonly Visit[]): Visit[] | null {
    for (let size = 1; size <= Math.min(MOST_MOVED, tour.length - 1); size += 1) {
      for (let i = 0; i + size <= tour.length; i += 1) {
        const piece = tour.slice(i, i + size)
        const rest = [...tour.slice(0, i), ...tour.slice(i + size)]
        const [before, after] = [tour[i - 1], tour[i + size]]
        const saved = this.between(before, piece[0]) + this.between(piece.at(-1), after) - this.between(before, after)
        const found = saved > WORTH_M ? this.#placed(rest, piece, saved) : null
        if (found) return found
      }
    }
    return null
  }

  #placed(rest: readonly Visit[], piece: readonly Visit[], saved: number): Visit[] | null {
    for (let at = 0; at <= rest.length; at += 1) {
      const [before, after] = [rest[at - 1], rest[at]]
      for (const way of [piece, turn(piece)]) {
        const added = this.between(before, way[0]) + this.between(way.at(-1), after) - this.between(before, after)
        if (added < saved - WORTH_M) return [...rest.slice(0, at), ...way, ...rest.slice(at)]
      }
    }
    return null
  }
}

const turn = (stretch: readonly Visit[]): Visit[] =>
  [...stretch].reverse().map(({ stop, back }) => ({ stop, back: !back }))
