import { expect, test } from 'vitest'
import { photosOf } from '../../src/core/outbox.ts'
import { MemoryStore, ScriptedNetwork, makeJob, makeOutbox, makePhoto, makeProblem } from './builders.ts'

const [ONE, TWO, THREE] = [makePhoto(1, 100), makePhoto(2, 200), makePhoto(3, 300)]

test('photos go before the report and their bytes are freed once it is home', async () => {
  const network = new ScriptedNetwork()
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  await outbox.flush()
  expect(['photo 1 from 0', 'report 0001']).toEqual(network.sent)
  expect(['sent', 0]).toEqual([entry().state, store.photos.size])
})

test('the report waits for all of its photos, and the ledger says how far they are', async () => {
  const network = new ScriptedNetwork()
  network.photoAnswers = [
    async () => ({ kind: 'done', value: null }),
    async () => ({ kind: 'done', value: null }),
    async (_photo, news) => {
      await news({ url: '/api/v1/uploads/u3' })
      await news({ sent_bytes: 120 })
      return { kind: 'no_network' }
    },
  ]
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE, TWO, THREE]))
  await outbox.flush()
  expect(['photo 1 from 0', 'photo 2 from 0', 'photo 3 from 0']).toEqual(network.sent)
  expect(photosOf(entry())).toEqual({ stored: 2, all: 3, sent: 420, bytes: 600 })
})

test('an upload goes on where it broke, also after the page was closed', async () => {
  const store = new MemoryStore()
  const broken = new ScriptedNetwork()
  broken.photoAnswers = [
    async (_photo, news) => {
      await news({ url: '/api/v1/uploads/u1' })
      await news({ sent_bytes: 60 })
      return { kind: 'no_network' }
    },
  ]
  const before = makeOutbox(broken, { store })
  await before.outbox.add(...makeJob({}, [ONE, TWO]))
  await before.outbox.flush()

  const network = new ScriptedNetwork()
  const seen: (string | null)[] = []
  network.photoAnswers = [
    async (photo) => {
      seen.push(photo.upload_url)
      return { kind: 'done', value: null }
    },
  ]
  const after = makeOutbox(network, { store })
  await after.outbox.flush(true)
  expect(['photo 1 from 60', 'photo 2 from 0', 'report 0001']).toEqual(network.sent)
  expect(['/api/v1/uploads/u1']).toEqual(seen)
})

test('a photo that arrived is not sent again when its report has to be', async () => {
  const network = new ScriptedNetwork('no_network')
  const { outbox } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  await outbox.flush()
  await outbox.flush(true)
  expect(['photo 1 from 0', 'report 0001', 'report 0001']).toEqual(network.sent)
})

test('a refused photo refuses the report before it is posted', async () => {
  const network = new ScriptedNetwork()
  network.photoAnswers = [async () => ({ kind: 'refused', problem: makeProblem('unacceptable_photo', 422) })]
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  await outbox.flush()
  expect('refused').toBe(entry().state)
  expect(['photo 1 from 0']).toEqual(network.sent)
})

test('bytes that are no longer those of the photo are not sent', async () => {
  const network = new ScriptedNetwork()
  const { outbox, store, digests, entry } = makeOutbox(network)
  const [job, bodies] = makeJob({}, [ONE])
  await outbox.add(job, bodies)
  digests.set(store.photos.get(ONE.sha256) ?? { size: 0 }, 'f'.repeat(64))
  await outbox.flush()
  expect([[], 'refused', 'unacceptable_photo']).toEqual([network.sent, entry().state, entry().problem?.code])
})

test('a photo that the server lost is sent once more instead of refusing the report', async () => {
  const network = new ScriptedNetwork(() => ({
    kind: 'refused',
    problem: makeProblem('missing_fact', 422, { missing: ['photos'], photos: [ONE.sha256] }),
  }))
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  await outbox.flush()
  expect(['queued', false]).toEqual([entry().state, entry().photos[0]?.stored])
  await outbox.flush(true)
  expect(['photo 1 from 0', 'report 0001', 'photo 1 from 0', 'report 0001']).toEqual(network.sent)
  expect('sent').toBe(entry().state)
})

test('a photo that neither side has refuses the report, so that it can be taken anew', async () => {
  const network = new ScriptedNetwork(() => ({
    kind: 'refused',
    problem: makeProblem('missing_fact', 422, { missing: ['photos'], photos: [ONE.sha256] }),
  }))
  const { outbox, store, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  store.photos.clear()
  await outbox.flush()
  expect(['refused', 'missing_fact']).toEqual([entry().state, entry().problem?.code])
})

test('a photo of two reports stays until both are home', async () => {
  const network = new ScriptedNetwork('done', 'no_network')
  const { outbox, store } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  await outbox.add(...makeJob({ id: '019ab000-0000-7000-8000-000000000002' }, [ONE]))
  await outbox.flush()
  expect(1).toBe(store.photos.size)
  await outbox.flush(true)
  expect(0).toBe(store.photos.size)
})

test('a mended report keeps what is already on the server of its photos', async () => {
  const network = new ScriptedNetwork('refused')
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  await outbox.flush()
  await outbox.add(...makeJob({ description: '改过' }, [ONE, TWO]))
  expect([true, false]).toEqual(entry().photos.map((photo) => photo.stored))
  await outbox.flush()
  expect(['photo 1 from 0', 'report 0001', 'photo 2 from 0', 'report 0001']).toEqual(network.sent)
})

const lacks = (...photos: { sha256: string }[]) => () =>
  ({ kind: 'refused', problem: makeProblem('missing_fact', 422, { missing: ['photos'], photos: photos.map((one) => one.sha256) }) }) as const

test('a photo that the server lacks again after it was sent once more is not sent for ever', async () => {
  const network = new ScriptedNetwork(lacks(ONE), lacks(ONE), lacks(ONE), lacks(ONE))
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob({}, [ONE]))
  for (let round = 0; round < 4; round += 1) await outbox.flush(true)
  expect(network.sent).toEqual(['photo 1 from 0', 'report 0001', 'photo 1 from 0', 'report 0001'])
  expect([entry().state, entry().problem?.code]).toEqual(['refused', 'missing_fact'])
  // Its owner may ask for it again.
  await outbox.resend(entry().id)
  await outbox.flush(true)
  await outbox.flush(true)
  expect(network.sent.slice(4)).toEqual(['report 0001', 'photo 1 from 0', 'report 0001'])
})

test('one photo that is gone from the phone does not keep the other from being sent again', async () => {
  const store = new MemoryStore()
  const gone = () => {
    store.photos.delete(TWO.sha256)
    return lacks(ONE, TWO)()
  }
  const network = new ScriptedNetwork(gone, lacks(TWO))
  const { outbox, entry } = makeOutbox(network, { store })
  await outbox.add(...makeJob({}, [ONE, TWO]))
  await outbox.flush()
  await outbox.flush(true)
  expect(network.sent.slice(3)).toEqual(['photo 1 from 0', 'report 0001'])
  expect(entry().state).toBe('refused')
})
