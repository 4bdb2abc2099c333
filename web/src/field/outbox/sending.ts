// The outbox of this phone, and when it sends: on load, when the network or the page comes back, after
// every report, and on a timer.

import { computed, shallowRef } from 'vue'
import { Outbox } from '../../core/outbox.ts'
import type { Entry } from '../../core/outbox.ts'
import { indexedDbStore } from '../../ports/idb.ts'
import { httpTransport } from '../../ports/transport.ts'
import { ensure } from '../../ui/session.ts'

const TIMER_MS = 5_000

export const store = indexedDbStore()
export const outbox = new Outbox({
  store,
  transport: httpTransport,
  now: () => Date.now(),
  random: () => Math.random(),
})

export const entries = shallowRef<readonly Entry[]>([])
/** What is not home yet, oldest first: that is the order of sending. */
export const unsent = computed(() => entries.value.filter((entry) => entry.state !== 'sent').reverse())
/** How many go by themselves, and how many need a look. */
export const waiting = computed(() => unsent.value.filter((entry) => entry.state !== 'refused').length)
export const refused = computed(() => unsent.value.length - waiting.value)
export const sent = computed(() => entries.value.filter((entry) => entry.state === 'sent'))

/** Sends what is due. `eager` ignores the pauses between attempts. */
export async function sendNow(eager = true): Promise<void> {
  if (!entries.value.some((entry) => entry.state === 'queued')) return
  await ensure()
  await outbox.flush(eager)
}

export async function startOutbox(): Promise<void> {
  outbox.subscribe((all) => (entries.value = all))
  await outbox.recover()
  await sendNow()
  addEventListener('online', () => void sendNow())
  addEventListener('focus', () => void sendNow())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void sendNow()
  })
  setInterval(() => void sendNow(false), TIMER_MS)
}

/** Asks the browser not to clear our storage when space runs short. */
export async function keepStorage(): Promise<void> {
  try {
    await navigator.storage?.persist?.()
  } catch {
    // A wish; the outbox works without it.
  }
}
