// The event stream of the command centre: EventSource with a way back when the browser gives up.
//
// The browser reconnects by itself after a broken connection and resumes at Last-Event-ID. After an
// HTTP error it does not; then this port opens a new stream with a growing pause. Whoever listens
// polls while the state is not "live", and reads once more each time it becomes live again.

import type { StreamEvent } from '../api/types.ts'
import { EVENT_KINDS } from '../core/workflow.gen.ts'
import { API } from './http.ts'

export type StreamState = 'connecting' | 'live' | 'down'

export interface StreamListener {
  onEvent(event: StreamEvent): void
  onState(state: StreamState): void
}

const LONGEST_PAUSE_MS = 30_000

/** Opens the stream; the returned function closes it for good. */
export function openStream(listener: StreamListener): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let closed = false

  const hear = (message: MessageEvent<string>): void => {
    try {
      listener.onEvent(JSON.parse(message.data) as StreamEvent)
    } catch {
      // One unreadable line must not end the stream; the next reading of the board repairs it.
    }
  }

  const connect = (): void => {
    listener.onState('connecting')
    source = new EventSource(`${API}/stream`)
    for (const kind of EVENT_KINDS) source.addEventListener(kind, hear)
    source.onmessage = hear
    source.onopen = () => {
      failures = 0
      listener.onState('live')
    }
    source.onerror = () => {
      if (closed) return
      listener.onState('down')
      if (source?.readyState !== EventSource.CLOSED) return
      failures += 1
      timer = setTimeout(connect, Math.min(1000 * 2 ** failures, LONGEST_PAUSE_MS))
    }
  }

  connect()
  return () => {
    closed = true
    clearTimeout(timer)
    source?.close()
  }
}
