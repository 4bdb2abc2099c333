import { expect, test } from 'vitest'
import { Packs, RESERVE_BYTES, unpack } from '../../src/core/packs.ts'
import type { Kept, Offer, PackStore, Taken } from '../../src/core/packs.ts'

const decode = (bytes: ArrayBuffer): string => new TextDecoder().decode(bytes)
const CELL = '120116005001001'
const OTHER = '120116005001002'

function makePack(cell: string, word: string): ArrayBuffer {
  const tiles = [['cells', 14, 1, 2, word.length], ['roads', 14, 1, 2, 0]]
  const header = new TextEncoder().encode(JSON.stringify({ format: 1, cell_code: cell, name: cell, tiles }))
  const body = new TextEncoder().encode(word)
  const all = new Uint8Array(4 + header.length + body.length)
  new DataView(all.buffer).setUint32(0, header.length)
  all.set(header, 4)
  all.set(body, 4 + header.length)
  return all.buffer
}

function memory(): PackStore & { kept: Map<string, Kept>; bodies: Map<string, ArrayBuffer> } {
  const kept = new Map<string, Kept>()
  const bodies = new Map<string, ArrayBuffer>()
  const unwanted = new Map<string, string[]>()
  return {
    kept,
    bodies,
    all: async () => [...kept.values()].map((one) => structuredClone(one)),
    put: async (one, body) => {
      kept.set(one.cell_code, structuredClone(one))
      if (body) bodies.set(one.cell_code, body)
    },
    body: async (cell) => bodies.get(cell),
    remove: async (cell) => void (kept.delete(cell), bodies.delete(cell)),
    unwanted: async (person) => unwanted.get(person) ?? [],
    setUnwanted: async (person, cells) => void unwanted.set(person, cells),
  }
}

function makeServer() {
  const server = {
    may: { ann: [CELL], ben: [OTHER] } as Record<string, string[]>,
    who: 'ann',
    tag: 'one',
    etag: '"1"',
    word: 'first',
    away: false,
    room: null as number | null,
    cut: 0,
    asked: [] as string[],
  }
  const transport = {
    offers: async (): Promise<Offer[]> => {
      if (server.away) throw new Error('no network')
      return (server.may[server.who] ?? []).map((cell_code) => ({ cell_code, name: cell_code, tag: server.tag, tiles: 2 }))
    },
    take: async (cell: string, etag: string | null): Promise<Taken> => {
      server.asked.push(`${cell} ${etag}`)
      if (server.away) throw new Error('no network')
      const body = makePack(cell, server.word)
      return etag === server.etag ? { kind: 'same' } : { kind: 'new', etag: server.etag, body: body.slice(0, body.byteLength - server.cut) }
    },
  }
  return { server, transport }
}

function makePhone() {
  const store = memory()
  const { server, transport } = makeServer()
  const clock = { now: Date.parse('2026-11-23T01:00:00Z') }
  const packs = new Packs({ store, transport, now: () => clock.now, room: async () => server.room, decode })
  const as = (who: string): typeof packs => {
    server.who = who
    return packs
  }
  const text = async (cell = CELL): Promise<string> => {
    const body = await store.body(cell)
    return body ? new TextDecoder().decode(unpack(body, decode).tile('cells', 14, 1, 2)) : 'nothing'
  }
  return { store, server, clock, packs, as, text }
}

test('a grid of ones own is kept, with its size, and under the same tag nothing is fetched again', async () => {
  const { server, as, text, packs } = makePhone()
  const [row] = await as('ann').refresh('ann')
  expect(row).toMatchObject({ state: 'kept', bytes: expect.any(Number) })
  expect(await text()).toBe('first')
  await packs.refresh('ann')
  expect(server.asked).toEqual([`${CELL} null`])
})

test('another tag is asked about with what is kept: unchanged costs nothing, changed replaces it', async () => {
  const { server, as, text, packs, store } = makePhone()
  await as('ann').refresh('ann')
  server.tag = 'two'
  await packs.refresh('ann')
  expect([server.asked.at(-1), await text(), store.kept.get(CELL)?.tag]).toEqual([`${CELL} "1"`, 'first', 'two'])
  Object.assign(server, { tag: 'three', etag: '"2"', word: 'second' })
  await packs.refresh('ann')
  expect([await text(), store.kept.get(CELL)?.etag]).toEqual(['second', '"2"'])
})

test('another person on this phone sees a pack when the server says that he may, and not before', async () => {
  const { server, as, packs } = makePhone()
  await as('ann').refresh('ann')
  expect(await packs.of('ben')).toEqual([])
  server.may['ben'] = [CELL]
  const rows = await as('ben').refresh('ben')
  expect(rows).toMatchObject([{ cell_code: CELL, state: 'kept' }])
  expect([(await packs.of('ben')).length, server.asked.length]).toEqual([1, 1])
})

test('a grid that is no longer ones own goes, and the phone forgets it when nobody has it', async () => {
  const { server, as, packs, store } = makePhone()
  server.may['ben'] = [CELL]
  await as('ann').refresh('ann')
  await as('ben').refresh('ben')
  server.may['ann'] = []
  await as('ann').refresh('ann')
  expect([(await packs.of('ann')).length, (await packs.of('ben')).length]).toEqual([0, 1])
  server.may['ben'] = []
  await as('ben').refresh('ben')
  expect([store.kept.size, store.bodies.size]).toEqual([0, 0])
})

test('what he deletes does not come back until he asks, and stays for another who has it', async () => {
  const { server, as, packs, store } = makePhone()
  server.may['ben'] = [CELL]
  await as('ann').refresh('ann')
  await as('ben').refresh('ben')
  await packs.drop('ann', CELL)
  expect(await as('ann').refresh('ann')).toMatchObject([{ state: 'unwanted' }])
  expect([(await packs.of('ben')).length, store.bodies.size]).toEqual([1, 1])
  await packs.want('ann', CELL)
  expect(await packs.refresh('ann')).toMatchObject([{ state: 'kept' }])
})

test('the round of whoever used the phone before is not taken for that of the next', async () => {
  const { server, as, packs } = makePhone()
  server.may['ann'] = [CELL, OTHER]
  server.may['ben'] = [OTHER]
  const anns = as('ann').refresh('ann')
  await Promise.resolve()
  await Promise.resolve()
  const bens = as('ben').refresh('ben')
  expect((await bens).map((one) => one.cell_code)).toEqual([OTHER])
  expect((await packs.of('ben')).map((one) => one.cell_code)).toEqual([OTHER])
  // Nothing more is fetched for the one who left, and what he has is his.
  expect((await anns).map((one) => one.cell_code)).not.toContain(OTHER)
  expect((await packs.of('ann')).map((one) => one.cell_code)).not.toContain(OTHER)
})

test('without a network what is kept stays, and says whose', async () => {
  const { server, as, packs, text } = makePhone()
  await as('ann').refresh('ann')
  server.away = true
  await expect(packs.refresh('ann')).rejects.toThrow('no network')
  expect([(await packs.of('ann')).length, await text()]).toEqual([1, 'first'])
})

test('a pack that is cut short is not kept, and the one before stays', async () => {
  const { server, as, packs, text, store } = makePhone()
  await as('ann').refresh('ann')
  Object.assign(server, { tag: 'two', etag: '"2"', word: 'second', cut: 2 })
  expect(await packs.refresh('ann')).toMatchObject([{ state: 'stale' }])
  expect([await text(), store.kept.get(CELL)?.tag]).toEqual(['first', 'one'])
  server.cut = 0
  expect(await packs.refresh('ann')).toMatchObject([{ state: 'kept' }])
  expect(await text()).toBe('second')
})

test('a phone that is nearly full keeps room for photos rather than a map', async () => {
  const { server, as, store } = makePhone()
  server.room = RESERVE_BYTES
  expect(await as('ann').refresh('ann')).toMatchObject([{ state: 'no_room' }])
  expect([store.kept.size, server.asked.length]).toEqual([0, 0])
})

test('a tile that a pack does not hold is another thing than an empty one', () => {
  const pack = unpack(makePack(CELL, 'abc'), decode)
  expect(pack.tile('cells', 14, 1, 2)?.byteLength).toBe(3)
  expect(pack.tile('roads', 14, 1, 2)?.byteLength).toBe(0)
  expect(pack.tile('cells', 15, 1, 2)).toBeUndefined()
  expect(() => unpack(new ArrayBuffer(3), decode)).toThrow(RangeError)
})
