// What the service worker does with a line that woke the phone: it shows one sentence, and a tap opens the
// inbox. The line comes encrypted from our own server and says no more than that something waits.

/// <reference lib="webworker" />

interface Line {
  text: string
  tag: string
}

const SOMETHING = '有新的消息等您查看。 Something waits for you.'
const PAGE = '/field'

/** Reads a line; whatever cannot be read still wakes, with a sentence of our own. */
export function lineOf(data: { json(): unknown } | null): Line {
  try {
    const { text, tag } = data?.json() as Partial<Line>
    if (typeof text === 'string' && typeof tag === 'string' && text.length <= 200) return { text, tag }
  } catch {
    // Shown all the same: browsers end a subscription whose pushes show nothing.
  }
  return { text: SOMETHING, tag: 'waiting' }
}

/** To be called once by the service worker. */
export function startWaking(worker: ServiceWorkerGlobalScope): void {
  worker.addEventListener('push', (event) => {
    const { text, tag } = lineOf(event.data)
    event.waitUntil(worker.registration.showNotification('网格工作台', { body: text, tag, lang: /[一-鿿]/.test(text) ? 'zh-CN' : 'en' }))
  })
  worker.addEventListener('notificationclick', (event) => {
    event.notification.close()
    event.waitUntil(openInbox(worker))
  })
}

async function openInbox(worker: ServiceWorkerGlobalScope): Promise<void> {
  const open = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const page = open.find((one) => new URL(one.url).pathname === PAGE)
  if (page) {
    page.postMessage({ open: 'inbox' })
    await page.focus()
  } else {
    await worker.clients.openWindow(`${PAGE}#inbox`)
  }
}
