// A new version of the page: it is fetched beside the old one and waits; the worker decides when to change over,
// and never in the middle of something that is written nowhere.

import { ref } from 'vue'
import { outbox, sendNow } from '../outbox/sending.ts'

/** A newer version lies ready. */
export const newer = ref(false)

const SCRIPT = '/field-sw.js'
const LOOK_MS = 3_600_000
let waiting: ServiceWorker | null = null
let changing = false

/** Keeps the page on the phone; once per page. Without a secure connection a browser knows no such thing. */
export async function startRenewal(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const held = navigator.serviceWorker.controller !== null
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // The first one takes over a page that is its own version; only a change asked for loads the page anew.
    if (held && changing) location.reload()
  })
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if ((data as { type?: string } | null)?.type === 'send') void sendNow()
  })
  try {
    const registration = await navigator.serviceWorker.register(SCRIPT, { scope: '/field', updateViaCache: 'none' })
    const notice = (worker: ServiceWorker | null): void => {
      if (!worker || !navigator.serviceWorker.controller) return
      waiting = worker
      newer.value = true
    }
    notice(registration.waiting)
    registration.addEventListener('updatefound', () => {
      const { installing } = registration
      installing?.addEventListener('statechange', () => {
        if (installing.state === 'installed') notice(registration.waiting)
      })
    })
    setInterval(() => void registration.update().catch(() => undefined), LOOK_MS)
    wakeWhenOnline(registration)
  } catch {
    // The page works without it while there is a network.
  }
}

/** Where the browser can, it wakes this page's outbox when the network is back, even in the background. */
function wakeWhenOnline(registration: ServiceWorkerRegistration): void {
  const { sync } = registration as ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } }
  if (!sync) return
  outbox.subscribe(({ entries }) => {
    if (entries.some((entry) => entry.state === 'queued') && !navigator.onLine) void sync.register('outbox').catch(() => undefined)
  })
}

/** Changes over to the newer version. */
export function renew(): void {
  changing = true
  waiting?.postMessage({ type: 'renew' })
}
