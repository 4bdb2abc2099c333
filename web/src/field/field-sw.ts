// The service worker of the field page: keeps the page's own files, so that it opens without a network.
//
// It answers for nothing else. What the server says about cases and people is kept by the page itself, under the
// name of its person; a cache of answers here would show one person's to another. It sends nothing by itself
// either: where the browser offers to wake it when the network is back, it wakes the page's outbox.

/// <reference lib="webworker" />

import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { startWaking } from '../sw/waking.ts'

declare const self: ServiceWorkerGlobalScope

precacheAndRoute(self.__WB_MANIFEST)
cleanupOutdatedCaches()
registerRoute(new NavigationRoute(createHandlerBoundToURL('/field'), { allowlist: [/^\/field(\?.*)?$/] }))

// The first visit is already one that may go on without a network.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

// A line of our server that woke the phone is shown, and nothing is fetched for it.
startWaking(self)

// A new version waits until the page says that nobody's words would be lost.
self.addEventListener('message', (event) => {
  if ((event.data as { type?: string } | null)?.type === 'renew') void self.skipWaiting()
})

self.addEventListener('sync', (event) => {
  const wake = async (): Promise<void> => {
    for (const page of await self.clients.matchAll({ type: 'window' })) page.postMessage({ type: 'send' })
  }
  ;(event as ExtendableEvent).waitUntil(wake())
})
