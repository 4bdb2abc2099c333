// Where the phone is, as the browser tells it: WGS 84 with an accuracy, or a named reason why not.

import { lngLat } from '../core/geo.ts'
import type { LngLat } from '../core/geo.ts'

export interface Fix {
  place: LngLat
  /** Radius of 68 % confidence. */
  accuracy_m: number | null
}

export type NoFix = 'insecure' | 'denied' | 'timeout' | 'failed'

const TIMEOUT_MS = 15_000

/** One position of the phone, taken anew: who taps again has moved. Rejects with a NoFix. */
export function locate(): Promise<Fix> {
  return new Promise((resolve, reject: (why: NoFix) => void) => {
    if (!globalThis.isSecureContext || !navigator.geolocation) {
      reject('insecure')
      return
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        resolve({
          place: lngLat(coords.longitude, coords.latitude),
          accuracy_m: coords.accuracy > 0 ? Math.round(coords.accuracy) : null,
        }),
      (fault) => reject(fault.code === 1 ? 'denied' : fault.code === 3 ? 'timeout' : 'failed'),
      { enableHighAccuracy: true, timeout: TIMEOUT_MS, maximumAge: 0 },
    )
  })
}

export interface TimedFix extends Fix {
  /** By the phone's clock, when the position was taken. */
  at_ms: number
}

/** Positions as they come, until the returned function is called; for a shift, and for nothing else. */
export function watchPosition(onFix: (fix: TimedFix) => void, onFault: (why: NoFix) => void): () => void {
  if (!globalThis.isSecureContext || !navigator.geolocation) {
    onFault('insecure')
    return () => undefined
  }
  const id = navigator.geolocation.watchPosition(
    ({ coords, timestamp }) =>
      onFix({
        place: lngLat(coords.longitude, coords.latitude),
        accuracy_m: coords.accuracy > 0 ? Math.round(coords.accuracy) : null,
        at_ms: timestamp,
      }),
    (fault) => onFault(fault.code === 1 ? 'denied' : fault.code === 3 ? 'timeout' : 'failed'),
    { enableHighAccuracy: true, timeout: 60_000, maximumAge: 5_000 },
  )
  return () => navigator.geolocation.clearWatch(id)
}

/**
 * The best position that the phone can give now: every better one is told, until one is good enough or the
 * time is over. The returned function ends it earlier. For a report that is being written, and nothing else.
 */
export function locateBetter(
  onFix: (fix: TimedFix) => void,
  onEnd: (why: NoFix | null) => void,
  { enough_m = 12, longest_ms = 30_000 } = {},
): () => void {
  let best: TimedFix | null = null
  let fault: NoFix | null = null
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    stop()
    onEnd(best ? null : (fault ?? 'timeout'))
  }
  const timer = setTimeout(end, longest_ms)
  let stop = (): void => undefined
  stop = watchPosition(
    (fix) => {
      if (over || (best && (fix.accuracy_m ?? Infinity) > (best.accuracy_m ?? Infinity))) return
      best = fix
      onFix(fix)
      if ((fix.accuracy_m ?? Infinity) <= enough_m) end()
    },
    (why) => {
      fault = why
      // No right to ask, or no way to: waiting helps nobody.
      if (why !== 'timeout') end()
    },
  )
  if (over) stop()
  return () => {
    over = true
    clearTimeout(timer)
    stop()
  }
}

/** The last position that the browser remembers, however old; null where it remembers none. */
export function lastKnown(): Promise<TimedFix | null> {
  return new Promise((resolve) => {
    if (!globalThis.isSecureContext || !navigator.geolocation) {
      resolve(null)
      return
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords, timestamp }) =>
        resolve({
          place: lngLat(coords.longitude, coords.latitude),
          accuracy_m: coords.accuracy > 0 ? Math.round(coords.accuracy) : null,
          at_ms: timestamp,
        }),
      () => resolve(null),
      { enableHighAccuracy: false, timeout: 2_000, maximumAge: Infinity },
    )
  })
}
