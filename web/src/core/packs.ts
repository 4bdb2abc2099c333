// The packs of this phone: one's own grids, each in one piece, kept for when there is no network.
//
// What holds:
// - A pack is kept whole or not at all, and replaced only by a whole one.
// - It is shown to a person whom the server gave it to, or told that he may have it; to nobody else who uses
//   this phone. A pack that nobody may have any more is deleted.
// - Under the same tag nothing is fetched; under another the server is asked with the ETag of what is kept.
// - Whoever deletes a pack does not get it again until he asks.
// - A pack is not taken where it would leave too little room for photos that are still to be sent.
//
// Headless: storage, transport, clock and room are ports.

export interface Offer {
  cell_code: string
  name: string
  tag: string
  tiles: number
}

export interface Kept {
  cell_code: string
  name: string
  tag: string
  etag: string
  bytes: number
  kept_at: string
  /** Who may see it. */
  people: string[]
}

export interface PackStore {
  all(): Promise<Kept[]>
  /** Bookkeeping and body in one transaction; without a body the one that is there stays. */
  put(kept: Kept, body?: ArrayBuffer): Promise<void>
  body(cell_code: string): Promise<ArrayBuffer | undefined>
  remove(cell_code: string): Promise<void>
  /** Cells that a person does not want to keep. */
  unwanted(person_id: string): Promise<string[]>
  setUnwanted(person_id: string, cells: string[]): Promise<void>
}

export type Taken = { kind: 'same' } | { kind: 'new'; etag: string; body: ArrayBuffer }

export interface PackTransport {
  /** Rejects without a network. */
  offers(): Promise<Offer[]>
  take(cell_code: string, etag: string | null): Promise<Taken>
}

export interface PackPorts {
  store: PackStore
  transport: PackTransport
  now: () => number
  /** Bytes that the browser would still store; null when it does not say. */
  room: () => Promise<number | null>
  decode: Decode
}

/** UTF-8 to text. */
export type Decode = (bytes: ArrayBuffer) => string

export type State = 'kept' | 'stale' | 'missing' | 'unwanted' | 'no_room'

export interface Row {
  cell_code: string
  name: string
  state: State
  bytes: number | null
  kept_at: string | null
}

/** What stays free for a day's photos. */
export const RESERVE_BYTES = 60 * 2 ** 20
/** What a pack is taken to need before it is known. */
const GUESS_BYTES = 4 * 2 ** 20

export class Packs {
  readonly #ports: PackPorts
  #round: { person_id: string; rows: Promise<Row[]> } | null = null

  constructor(ports: PackPorts) {
    this.#ports = ports
  }

  /** The packs that a person has on this phone. */
  async of(person_id: string): Promise<Kept[]> {
    return (await this.#ports.store.all()).filter((one) => one.people.includes(person_id))
  }

  /**
   * Brings the phone up to date with the server; a call while one of the same person runs joins it. A round is for
   * one person: the next person's waits until the other's has stopped. Rejects without a network.
   */
  refresh(person_id: string): Promise<Row[]> {
    if (this.#round?.person_id === person_id) return this.#round.rows
    const before = this.#round?.rows.catch(() => undefined)
    const rows = Promise.resolve(before).then(() => this.#refresh(person_id)).finally(() => {
      if (this.#round?.rows === rows) this.#round = null
    })
    this.#round = { person_id, rows }
    return rows
  }

  /** A person asks for a pack (again). */
  async want(person_id: string, cell_code: string): Promise<void> {
    const { store } = this.#ports
    const unwanted = await store.unwanted(person_id)
    await store.setUnwanted(person_id, unwanted.filter((one) => one !== cell_code))
  }

  /** A person wants a pack no longer; the phone forgets it unless another person has it too. */
  async drop(person_id: string, cell_code: string): Promise<void> {
    const { store } = this.#ports
    const unwanted = await store.unwanted(person_id)
    await store.setUnwanted(person_id, [...new Set([...unwanted, cell_code])])
    const kept = (await store.all()).find((one) => one.cell_code === cell_code)
    if (kept) await this.#without(kept, person_id)
  }

  async #without(kept: Kept, person_id: string): Promise<void> {
    const people = kept.people.filter((one) => one !== person_id)
    if (people.length) await this.#ports.store.put({ ...kept, people })
    else await this.#ports.store.remove(kept.cell_code)
  }

  async #refresh(person_id: string): Promise<Row[]> {
    const { store, transport } = this.#ports
    const offers = await transport.offers()
    const unwanted = new Set(await store.unwanted(person_id))
    const offered = new Set(offers.map((one) => one.cell_code))
    for (const kept of await this.of(person_id)) {
      if (!offered.has(kept.cell_code)) await this.#without(kept, person_id)
    }
    const rows: Row[] = []
    for (const offer of offers) {
      // Somebody else uses the phone by now; what is asked for from here on would be asked for as him.
      if (this.#round?.person_id !== person_id) break
      rows.push(await this.#one(person_id, offer, unwanted.has(offer.cell_code)))
    }
    return rows
  }

  async #one(person_id: string, offer: Offer, unwanted: boolean): Promise<Row> {
    const { store, transport, now, decode } = this.#ports
    const row = { cell_code: offer.cell_code, name: offer.name }
    if (unwanted) return { ...row, state: 'unwanted', bytes: null, kept_at: null }
    const kept = (await store.all()).find((one) => one.cell_code === offer.cell_code)
    if (kept?.tag === offer.tag) {
      // The server offers it to him: so he may see what another person took on this phone.
      if (!kept.people.includes(person_id)) await store.put({ ...kept, people: [...kept.people, person_id] })
      return { ...row, state: 'kept', bytes: kept.bytes, kept_at: kept.kept_at }
    }
    const known = { bytes: kept?.bytes ?? null, kept_at: kept?.kept_at ?? null }
    if (!(await this.#fits(kept?.bytes ?? GUESS_BYTES))) return { ...row, state: 'no_room', ...known }
    try {
      const taken = await transport.take(offer.cell_code, kept?.etag ?? null)
      const people = [...new Set([...(kept?.people ?? []), person_id])]
      const kept_at = new Date(now()).toISOString()
      if (taken.kind === 'same' && kept) {
        await store.put({ ...kept, tag: offer.tag, name: offer.name, people, kept_at })
        return { ...row, state: 'kept', bytes: kept.bytes, kept_at }
      }
      if (taken.kind === 'new') {
        unpack(taken.body, decode)
        const bytes = taken.body.byteLength
        await store.put({ ...row, tag: offer.tag, etag: taken.etag, bytes, kept_at, people }, taken.body)
        return { ...row, state: 'kept', bytes, kept_at }
      }
    } catch {
      // Cut off, or not what it should be: what was there stays.
    }
    return { ...row, state: kept?.people.includes(person_id) ? 'stale' : 'missing', ...known }
  }

  async #fits(bytes: number): Promise<boolean> {
    const room = await this.#ports.room()
    return room === null || room - bytes >= RESERVE_BYTES
  }
}

export interface PackTarget {
  id: string
  kind: 'point' | 'segment'
  name: string
  geometry: { type: 'Point' | 'LineString'; coordinates: number[] | number[][] }
}

export interface PackHeader {
  format: number
  cell_code: string
  name: string
  outline: { type: 'Polygon' | 'MultiPolygon'; coordinates: number[][][] | number[][][][] }
  resolution: number
  hexagons: string[]
  targets: PackTarget[]
  zooms: [least: number, most: number]
  tiles: [layer: string, z: number, x: number, y: number, bytes: number][]
}

export interface Unpacked {
  header: PackHeader
  /** Empty where nothing is drawn; undefined for a tile that the pack does not hold. */
  tile(layer: string, z: number, x: number, y: number): ArrayBuffer | undefined
}

const FORMAT = 1

/** Reads a pack; a RangeError when it is cut short or of another format. */
export function unpack(body: ArrayBuffer, decode: Decode): Unpacked {
  const length = body.byteLength < 4 ? -1 : new DataView(body).getUint32(0)
  if (length < 0 || 4 + length > body.byteLength) throw new RangeError('a pack that is cut short')
  const header = JSON.parse(decode(body.slice(4, 4 + length))) as PackHeader
  if (header.format !== FORMAT) throw new RangeError('a pack of another format')
  const places = new Map<string, [from: number, to: number]>()
  let at = 4 + length
  for (const [layer, z, x, y, bytes] of header.tiles) {
    places.set(`${layer}/${z}/${x}/${y}`, [at, at + bytes])
    at += bytes
  }
  if (at !== body.byteLength) throw new RangeError('a pack that is cut short')
  return {
    header,
    tile(layer, z, x, y) {
      const place = places.get(`${layer}/${z}/${x}/${y}`)
      return place && body.slice(...place)
    },
  }
}
