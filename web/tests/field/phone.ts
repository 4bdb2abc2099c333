// A phone for tests of the field page's parts: who is signed in, a server that is away unless told otherwise,
// and components in a page.

import { createApp, h, nextTick } from 'vue'
import type { App, Component } from 'vue'
import { vi } from 'vitest'
import type { Me } from '../../src/api/types.ts'
import { entries, known, outbox, store as outboxStore } from '../../src/field/outbox/sending.ts'
import { go } from '../../src/field/route.ts'
import { i18n } from '../../src/ui/i18n.ts'
import { welcome } from '../../src/ui/session.ts'

export const makeMe = (over: Partial<Me> = {}): Me => ({
  id: 'worker', name: '王网格', login: 'w', demo: false, roles: ['grid_worker'], permissions: [], cell_codes: [],
  unit_code: null, unit_name: null, subdistrict: null, map_review_number: null, ...over,
})

/** Signs in; the outbox is this person's from then on. */
export async function signIn(over: Partial<Me> = {}): Promise<void> {
  const me = makeMe(over)
  welcome(me)
  await outbox.belongTo(me.id)
}

/** The outbox tells the page what is in it, as after a start. */
export const watchOutbox = (): (() => void) =>
  outbox.subscribe((view) => {
    entries.value = view.entries
    known.value = true
  })

export interface Asked {
  url: string
  method: string
}

/** Answers by the first route that begins the address; whatever has none cannot be reached. */
export function server(routes: Record<string, () => Response | Promise<Response>> = {}): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    asked.push({ url, method: init.method ?? 'GET' })
    const route = Object.entries(routes).find(([path]) => url.startsWith(`/api/v1${path}`))
    if (!route) throw new TypeError('Failed to fetch')
    return route[1]()
  })
  return asked
}

export const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status })

/** A worker signed in on a phone from which nothing leaves; answers how to clear it away. */
export async function aPhone(routes: Parameters<typeof server>[0] = {}): Promise<() => Promise<void>> {
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:shown')
  vi.spyOn(outbox, 'flush').mockResolvedValue()
  server(routes)
  await signIn()
  const stop = watchOutbox()
  return async () => {
    leaveAll()
    go('home', null, true)
    vi.restoreAllMocks()
    await outboxStore.remove(entries.value.map((one) => one.id))
    await settle()
    stop()
    vi.unstubAllGlobals()
  }
}

const shown: App[] = []

export function show(component: Component, props: Record<string, unknown> = {}) {
  const root = document.createElement('div')
  document.body.append(root)
  const app = createApp({ render: () => h(component, props) }).use(i18n)
  app.mount(root)
  shown.push(app)
  const find = <T extends HTMLElement>(id: string): T | null => root.querySelector<T>(`[data-testid="${id}"]`)
  return { root, find, leave: () => app.unmount() }
}

export function leaveAll(): void {
  shown.splice(0).forEach((app) => app.unmount())
  document.body.replaceChildren()
}

/** Lets everything happen that is under way: promises, the database, the screen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i += 1) await new Promise((resolve) => setTimeout(resolve))
  await nextTick()
}

/** A promise with its handles. */
export function later<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (why: unknown) => void } {
  let handles!: { resolve: (value: T) => void; reject: (why: unknown) => void }
  const promise = new Promise<T>((resolve, reject) => (handles = { resolve, reject }))
  return { promise, ...handles }
}

/** Files as a camera gives them. */
export function choose(input: HTMLInputElement | null, ...names: string[]): void {
  const files = names.map((name) => new File([name], name, { type: 'image/jpeg' }))
  Object.defineProperty(input, 'files', { value: files, configurable: true })
  input?.dispatchEvent(new Event('change'))
}
