// Where the field page's map takes its tiles from: what is kept on the phone first, then the server.

import { strips } from '../../core/tilerows.ts'
import { API } from '../../ports/http.ts'
import { keptTile, tileAddress } from './kept.ts'

const NOTHING = new ArrayBuffer(0)
const SIDE = 256
const MOST_TRIES = 3
const LONGEST_WAIT_S = 3

/** Called when a tile could be had neither from the phone nor from the server. */
let missing: () => void = () => undefined

export function onMissingTile(listener: () => void): void {
  missing = listener
}

/** `kept://layer/z/x/y`: one layer of one vector tile; empty when it cannot be had. */
export async function vectorTile(address: string, signal: AbortSignal): Promise<ArrayBuffer> {
  const [layer = '', z = '', x = '', y = ''] = address.split('/')
  const kept = await keptTile(layer, Number(z), Number(x), Number(y)).catch(() => undefined)
  if (kept) return kept
  try {
    const answer = await fetch(tileAddress(layer, z, x, y), { credentials: 'same-origin', signal })
    return answer.ok ? await answer.arrayBuffer() : NOTHING
  } catch (fault) {
    if (signal.aborted) throw fault
    missing()
    return NOTHING
  }
}

/** `basemap://matrix/layer/z/x/y`: a picture of the mirror; tiles of degrees are bent into the drawn ones here. */
export async function baseTile(address: string, signal: AbortSignal): Promise<ImageBitmap> {
  const [matrix, layer = '', ...numbers] = address.split('/')
  const [z = 0, x = 0, y = 0] = numbers.map(Number)
  const canvas = new OffscreenCanvas(SIDE, SIDE)
  const pen = canvas.getContext('2d')
  const parts = matrix === 'c' ? strips(z, y) : [{ y, from: 0, depth: SIDE, to: 0, height: SIDE }]
  const pictures = new Map<number, ImageBitmap | null>()
  for (const row of new Set(parts.map((part) => part.y))) {
    pictures.set(row, await picture(`${API}/basemap/${layer}/${z}/${x}/${row}`, signal))
  }
  for (const part of parts) {
    const from = pictures.get(part.y)
    // A mirror may draw with more pixels than 256.
    const scale = (from?.height ?? SIDE) / SIDE
    if (from) pen?.drawImage(from, 0, part.from * scale, from.width, part.depth * scale, 0, part.to, SIDE, part.height)
  }
  return createImageBitmap(canvas)
}

/** One picture; null where the mirror has none or does not answer. A server that is busy is asked again. */
async function picture(address: string, signal: AbortSignal): Promise<ImageBitmap | null> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const answer = await fetch(address, { credentials: 'same-origin', signal }).catch((fault: unknown) => {
      if (signal.aborted) throw fault
      return null
    })
    if (answer?.status === 200) return createImageBitmap(await answer.blob())
    const wait_s = Number(answer?.headers.get('Retry-After') ?? Number.NaN)
    if (answer?.status !== 503 || !(wait_s <= LONGEST_WAIT_S)) return null
    await new Promise((resolve) => setTimeout(resolve, wait_s * 1000))
  }
  return null
}
