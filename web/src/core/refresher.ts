// Reads something again when nudged: at once after a rest, otherwise at most once per interval, never
// twice at the same time, and always once more after the last nudge.
//
// This keeps a board within a second of the truth while hundreds of events a second arrive.

export interface RefresherPorts {
  now: () => number
  after: (ms: number, work: () => void) => void
}

export class Refresher {
  readonly #work: () => Promise<unknown>
  readonly #interval_ms: number
  readonly #ports: RefresherPorts
  #last_ms = -Infinity
  #waiting = false
  #running = false
  #again = false

  constructor(work: () => Promise<unknown>, interval_ms: number, ports: RefresherPorts) {
    this.#work = work
    this.#interval_ms = interval_ms
    this.#ports = ports
  }

  /** Something changed. A failing read is no error here: the next nudge reads again. */
  nudge(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    if (this.#waiting) return
    // Longer than the interval only where the clock was put back.
    const wait = Math.min(this.#last_ms + this.#interval_ms - this.#ports.now(), this.#interval_ms)
    if (wait <= 0) {
      void this.#run()
      return
    }
    this.#waiting = true
    this.#ports.after(wait, () => {
      this.#waiting = false
      void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    this.#last_ms = this.#ports.now()
    try {
      await this.#work()
    } catch {
      // Said by whoever reads; the stream's state shows that the server is away.
    } finally {
      this.#running = false
    }
    if (this.#again) {
      this.#again = false
      this.nudge()
    }
  }
}
