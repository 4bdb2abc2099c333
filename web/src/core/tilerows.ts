// How tiles of degrees (a mirror's matrix "c") are bent into the tiles that the map draws (Web Mercator).
//
// At one zoom a column is the same strip of longitude in both; so only rows have to be bent: within a tile
// the latitude goes with the row in one and a little slower or faster in the other. A drawn tile of the
// mid-latitudes needs one or two tiles of degrees of the same zoom. The server's words for it are in
// gridmgmt/geo/tilegrid.py. Drawing is the caller's.

const SIDE = 256

/** One strip of a drawn tile: rows `to` to `to + height` of it come from rows `from` to `from + depth` of a tile of degrees. */
export interface Strip {
  y: number
  from: number
  depth: number
  to: number
  height: number
}

/** How far from the north pole, in pixels of the matrix of degrees, a fraction of the drawn world lies. */
function rowOf(z: number, down: number): number {
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * down))) * 180) / Math.PI
  return ((90 - lat) / 360) * 2 ** z * SIDE
}

/** The strips of a drawn tile from north to south, cut where the tile of degrees changes. */
export function strips(z: number, y: number, pieces = 16): Strip[] {
  const made: Strip[] = []
  const height = SIDE / pieces
  for (let piece = 0; piece < pieces; piece += 1) {
    const top = rowOf(z, (y + piece / pieces) / 2 ** z)
    const bottom = rowOf(z, (y + (piece + 1) / pieces) / 2 ** z)
    let at = top
    while (at < bottom - 1e-9) {
      const tile = Math.floor(at / SIDE + 1e-12)
      const end = Math.min(bottom, (tile + 1) * SIDE)
      const share = (row: number): number => ((row - top) / (bottom - top)) * height
      made.push({ y: tile, from: at - tile * SIDE, depth: end - at, to: piece * height + share(at), height: share(end) - share(at) })
      at = end
    }
  }
  return made
}
