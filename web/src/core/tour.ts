// In which order to walk to open tasks: overdue ones first, then the way that is short and late for none.
//
// Each of the two parts is a path from where one stands (the second from where the first ends): nearest
// neighbour, then 2-opt until nothing gets better. What a path costs is its length, and for each stop the
// metres that the minutes of its lateness are worth, as a walker would arrive. Nothing is drawn by lot:
// equal paths are decided by id, so that the list does not dance while one walks.
//
// Stops without a place come last, by deadline. Distances are as the crow flies: a hint, no route.

import { distanceM } from './distance.ts'
import type { LngLat } from './geo.ts'

export interface Stop {
  id: string
  place: LngLat | null
  /** When it is due (ms); null: whenever. */
  due_ms: number | null
}

export interface Leg {
  id: string
  /** From the stop before, or from where one stands; null for a stop without a place. */
  distance_m: number | null
}

const WALK_M_PER_MIN = 75
const AT_A_STOP_MIN = 10
/** How many metres of detour a minute of lateness is worth: as many as one walks in it. */
const LATE_M_PER_MIN = 75
/** Beyond this 2-opt would keep a cheap phone busy; the nearest neighbour is order enough. */
const MOST_FOR_2OPT = 60

/** The order of the stops with the distance of each leg. */
export function tour(from: LngLat, stops: readonly Stop[], now_ms: number): Leg[] {
  const sorted = [...stops].sort((a, b) => (a.id < b.id ? -1 : 1))
  const placed = sorted.filter((stop) => stop.place)
  const overdue = placed.filter((stop) => stop.due_ms !== null && stop.due_ms < now_ms)
  const rest = placed.filter((stop) => !overdue.includes(stop))
  const first = path(from, overdue, now_ms)
  const end = first.at(-1)?.place ?? from
  // The second part begins when the first one is done with: its stops may be late by then.
  const later = now_ms + minutesOf(from, first) * 60_000
  const order = [...first, ...path(end, rest, later)]
  const nowhere = sorted
    .filter((stop) => !stop.place)
    .sort((a, b) => (a.due_ms ?? Infinity) - (b.due_ms ?? Infinity) || (a.id < b.id ? -1 : 1))
  return [...legs(from, order), ...nowhere.map(({ id }) => ({ id, distance_m: null }))]
}

function legs(from: LngLat, order: readonly Stop[]): Leg[] {
  let at = from
  return order.map((stop) => {
    const place = stop.place ?? at
    const distance_m = distanceM(at, place)
    at = place
    return { id: stop.id, distance_m }
  })
}

function minutesOf(from: LngLat, order: readonly Stop[]): number {
  return legs(from, order).reduce((sum, leg) => sum + (leg.distance_m ?? 0) / WALK_M_PER_MIN + AT_A_STOP_MIN, 0)
}

function path(from: LngLat, stops: readonly Stop[], now_ms: number): Stop[] {
  const order = nearest(from, stops)
  if (order.length < 3 && order.every((stop) => stop.due_ms === null)) return order
  return order.length > MOST_FOR_2OPT ? order : shorter(from, order, now_ms)
}

function nearest(from: LngLat, stops: readonly Stop[]): Stop[] {
  const left = [...stops]
  const order: Stop[] = []
  let at = from
  while (left.length) {
    let best = 0
    let least = Infinity
    left.forEach((stop, i) => {
      const length = stop.place ? distanceM(at, stop.place) : Infinity
      if (length < least) [best, least] = [i, length]
    })
    const [next] = left.splice(best, 1)
    if (!next?.place) break
    order.push(next)
    at = next.place
  }
  return order
}

/** 2-opt with whole-path costs: lateness depends on all that comes before. */
function shorter(from: LngLat, order: Stop[], now_ms: number): Stop[] {
  let best = order
  let least = cost(from, best, now_ms)
  for (let better = true; better; ) {
    better = false
    for (let i = 0; i < best.length - 1; i += 1) {
      for (let k = i + 1; k < best.length; k += 1) {
        const tried = [...best.slice(0, i), ...best.slice(i, k + 1).reverse(), ...best.slice(k + 1)]
        const costs = cost(from, tried, now_ms)
        // A margin, so that rounding never swaps two equal paths for ever.
        if (costs < least - 1e-6) [best, least, better] = [tried, costs, true]
      }
    }
  }
  return best
}

/** Metres walked, and metres for lateness, of a path in this order. */
export function cost(from: LngLat, order: readonly Stop[], now_ms: number): number {
  let at = from
  let minutes = 0
  let sum = 0
  for (const stop of order) {
    const length = stop.place ? distanceM(at, stop.place) : 0
    minutes += length / WALK_M_PER_MIN
    sum += length
    if (stop.due_ms !== null) sum += LATE_M_PER_MIN * Math.max(0, minutes - (stop.due_ms - now_ms) / 60_000)
    minutes += AT_A_STOP_MIN
    at = stop.place ?? at
  }
  return sum
}
