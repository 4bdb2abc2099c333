// Waking this phone: asking the browser for a subscription, and telling the server of it. Asked for by a tap
// and never else. An installation without a key wakes nobody.

import { call, query } from './http.ts'

export type PushState = 'unsupported' | 'off' | 'on' | 'denied'
export type PushFault = 'denied' | 'failed'

export const pushSupported = (): boolean =>
  'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis

/** The installation's public key; null where it has none, or cannot be asked. */
export async function pushKey(): Promise<string | null> {
  try {
    return (await call<{ key: string | null }>('/push', { behalf: null })).key
  } catch {
    return null
  }
}

async function current(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration()
  return (await registration?.pushManager.getSubscription()) ?? null
}

/** How things stand on this phone. */
export async function pushState(): Promise<PushState> {
  if (!pushSupported()) return 'unsupported'
  if (Notification.permission === 'denied') return 'denied'
  return (await current()) ? 'on' : 'off'
}

/** Has this phone woken from now on; only after a tap. Rejects with a PushFault. */
export async function startPush(key: string, language: string): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') throw 'denied' satisfies PushFault
  try {
    const registration = await navigator.serviceWorker.ready
    // A subscription that somebody else left on this phone is not taken over.
    await (await registration.pushManager.getSubscription())?.unsubscribe()
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) })
    const { endpoint, keys } = made.toJSON()
    await call('/push/subscription', { method: 'PUT', json: { endpoint, keys, language }, behalf: null })
  } catch (fault) {
    await (await current())?.unsubscribe().catch(() => undefined)
    console.info('push', fault)
    throw 'failed' satisfies PushFault
  }
}

/** Leaves this phone in peace; without a network the browser's end of it is enough. */
export async function endPush(): Promise<void> {
  if (!pushSupported()) return
  const known = await current()
  if (!known) return
  const { endpoint } = known
  await known.unsubscribe()
  await call(`/push/subscription${query({ endpoint_sha256: await sha256(endpoint) })}`, { method: 'DELETE', behalf: null }).catch(() => undefined)
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(text, (one) => one.charCodeAt(0))
}
