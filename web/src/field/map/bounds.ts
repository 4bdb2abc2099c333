// Boxes around outlines, for where a map begins.

import type { Extent } from '../../api/types.ts'

interface Shape {
  coordinates: unknown
}

/** West, south, east, north of some GeoJSON geometries; null without any place in them. */
export function boundsOfOutlines(shapes: readonly Shape[]): Extent['bbox'] | null {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity]
  const look = (part: unknown): void => {
    if (!Array.isArray(part)) return
    const [lon, lat] = part as unknown[]
    if (typeof lon === 'number' && typeof lat === 'number') {
      box[0] = Math.min(box[0], lon)
      box[1] = Math.min(box[1], lat)
      box[2] = Math.max(box[2], lon)
      box[3] = Math.max(box[3], lat)
    } else part.forEach(look)
  }
  shapes.forEach((shape) => look(shape.coordinates))
  return box[0] === Infinity ? null : box
}
