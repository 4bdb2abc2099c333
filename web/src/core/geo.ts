// Coordinates that cannot be swapped by accident, and the little geometry that drawing needs.
//
// `LngLat` is branded: only `lngLat(lon, lat)` makes one, and it refuses what cannot be a place.
// Nothing here measures for the record: areas and distances that count come from the server.

import type { Point, Polygonal } from '../api/types.ts'

declare const brand: unique symbol

/** Longitude first, then latitude, in degrees; WGS 84 (CGCS2000 agrees within a few centimetres). */
export type LngLat = readonly [lon: number, lat: number] & { readonly [brand]: 'LngLat' }

export type Ring = readonly (readonly number[])[]

export type BBox = readonly [west: number, south: number, east: number, north: number]

const EARTH_RADIUS_M = 6_371_008.8

/** A place, or a RangeError when the two numbers cannot be one (NaN, or latitude past the pole). */
export function lngLat(lon: number, lat: number): LngLat {
  if (!Number.isFinite(lon) || !Number.isFinite(lat) || Math.abs(lat) > 90 || Math.abs(lon) > 180) {
    throw new RangeError(`not a longitude and latitude: ${lon}, ${lat}`)
  }
  return [lon, lat] as unknown as LngLat
}

export const fromPoint = (point: Point): LngLat => lngLat(point.lon, point.lat)

export const lonOf = (place: LngLat): number => place[0]

export const latOf = (place: LngLat): number => place[1]

/** Six decimals, about 0.1 m: what a phone can tell, and never the 2 decimals that lose a kilometre. */
export const formatLngLat = (place: LngLat): string =>
  `${place[0].toFixed(6)}, ${place[1].toFixed(6)}`

export const contains = (box: BBox, place: LngLat): boolean =>
  place[0] >= box[0] && place[0] <= box[2] && place[1] >= box[1] && place[1] <= box[3]

/** Metres between two places, near enough for "close by" over a few kilometres; not for the record. */
export function apartM(one: LngLat, other: LngLat): number {
  const radians = Math.PI / 180
  const east = (other[0] - one[0]) * Math.cos(((one[1] + other[1]) / 2) * radians)
  return EARTH_RADIUS_M * radians * Math.hypot(east, other[1] - one[1])
}

/** The place so many metres to the east and to the north. */
export function movedBy(place: LngLat, east_m: number, north_m: number): LngLat {
  const degrees = 180 / Math.PI / EARTH_RADIUS_M
  const squeeze = Math.max(Math.cos((place[1] * Math.PI) / 180), 1e-6)
  return lngLat(place[0] + (east_m * degrees) / squeeze, place[1] + north_m * degrees)
}

/** A ring of `steps` points around a place, to draw an accuracy circle; not for measuring. */
export function circle(centre: LngLat, radius_m: number, steps = 48): number[][] {
  const degrees = (radius_m / EARTH_RADIUS_M) * (180 / Math.PI)
  const squeeze = Math.max(Math.cos((centre[1] * Math.PI) / 180), 1e-6)
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((step % steps) / steps) * 2 * Math.PI
    return [centre[0] + (degrees * Math.cos(angle)) / squeeze, centre[1] + degrees * Math.sin(angle)]
  })
}

/** Outer ring of the largest part of a polygon or multipolygon. */
export function outerRing(shape: Polygonal): Ring {
  const rings =
    shape.type === 'Polygon'
      ? [shape.coordinates[0] as Ring | undefined]
      : (shape.coordinates as number[][][][]).map((part) => part[0] as Ring | undefined)
  let best: Ring = []
  for (const ring of rings) {
    if (ring && Math.abs(signedArea(ring)) >= Math.abs(signedArea(best))) best = ring
  }
  return best
}

export function bboxOf(shape: Polygonal): BBox {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity]
  const points = shape.coordinates.flat(shape.type === 'Polygon' ? 1 : 2) as number[][]
  for (const [x = Number.NaN, y = Number.NaN] of points) {
    box[0] = Math.min(box[0], x)
    box[1] = Math.min(box[1], y)
    box[2] = Math.max(box[2], x)
    box[3] = Math.max(box[3], y)
  }
  return box
}

/** A place inside the shape for its label: the centroid, or the middle of its widest chord. */
export function labelPlace(shape: Polygonal): LngLat {
  const ring = outerRing(shape)
  const centre = centroid(ring)
  if (inside(ring, centre[0], centre[1])) return lngLat(centre[0], centre[1])
  return widestChord(ring, centre[1])
}

function signedArea(ring: Ring): number {
  let twice = 0
  for (let i = 1; i < ring.length; i += 1) {
    const [x0 = 0, y0 = 0] = ring[i - 1] ?? []
    const [x1 = 0, y1 = 0] = ring[i] ?? []
    twice += x0 * y1 - x1 * y0
  }
  return twice / 2
}

function centroid(ring: Ring): [number, number] {
  const [ox = 0, oy = 0] = ring[0] ?? []
  let twice = 0
  let x = 0
  let y = 0
  for (let i = 1; i < ring.length; i += 1) {
    const [ax = 0, ay = 0] = ring[i - 1] ?? []
    const [bx = 0, by = 0] = ring[i] ?? []
    const cross = (ax - ox) * (by - oy) - (bx - ox) * (ay - oy)
    twice += cross
    x += cross * (ax + bx - 2 * ox)
    y += cross * (ay + by - 2 * oy)
  }
  return twice === 0 ? [ox, oy] : [ox + x / (3 * twice), oy + y / (3 * twice)]
}

function crossings(ring: Ring, y: number): number[] {
  const found: number[] = []
  for (let i = 1; i < ring.length; i += 1) {
    const [ax = 0, ay = 0] = ring[i - 1] ?? []
    const [bx = 0, by = 0] = ring[i] ?? []
    if (ay > y !== by > y) found.push(ax + ((y - ay) * (bx - ax)) / (by - ay))
  }
  return found.sort((a, b) => a - b)
}

function inside(ring: Ring, x: number, y: number): boolean {
  return crossings(ring, y).filter((at) => at > x).length % 2 === 1
}

function widestChord(ring: Ring, y: number): LngLat {
  const found = crossings(ring, y)
  let best: [number, number] = [ring[0]?.[0] ?? 0, ring[0]?.[0] ?? 0]
  let width = -1
  for (let i = 0; i + 1 < found.length; i += 2) {
    const [from = 0, to = 0] = found.slice(i, i + 2)
    if (to - from > width) [width, best] = [to - from, [from, to]]
  }
  return lngLat((best[0] + best[1]) / 2, y)
}
