import { beforeEach, expect, test, vi } from 'vitest'
import { ME, makePhoto } from '../core/builders.ts'
import { uploadPhoto } from '../../src/ports/upload.ts'

interface Asked {
  onChunkComplete(size: number, accepted: number): void
  onSuccess(): void
}
const asked = vi.hoisted(() => [] as Asked[])
vi.mock('tus-js-client', () => ({
  Upload: class {
    url = null
    constructor(_: unknown, options: Asked) {
      asked.push(options)
    }
    start(): void {}
    async abort(): Promise<void> {}
  },
}))

beforeEach(() => void asked.splice(0))

const photo = { ...makePhoto(1), sent_bytes: 0, upload_url: null, stored: false }
const upload = (news: () => Promise<void>) => uploadPhoto(photo, new Blob(['abc']), { person_id: ME, behalf: null }, news)

test('an upload ends also when the phone could not write down how far it is', async () => {
  const outcome = upload(async () => Promise.reject(new Error('no room')))
  asked[0]?.onChunkComplete(3, 3)
  asked[0]?.onSuccess()
  expect(await outcome).toEqual({ kind: 'done', value: null })
})

test('the ledger is written before the outbox goes on', async () => {
  const order: string[] = []
  const outcome = upload(async () => {
    await Promise.resolve()
    order.push('ledger')
  }).then(() => order.push('on'))
  asked[0]?.onChunkComplete(3, 3)
  asked[0]?.onSuccess()
  await outcome
  expect(order).toEqual(['ledger', 'on'])
})
