// Takes positions while a shift is open, as often as the battery allows, and at no other time.

import { paceOf } from '../../core/pace.ts'
import type { Battery, Pace } from '../../core/pace.ts'
import { watchBattery } from '../../ports/battery.ts'
import { locate, watchPosition } from '../../ports/position.ts'
import type { NoFix, TimedFix } from '../../ports/position.ts'

interface Hearers {
  onFix: (fix: TimedFix) => void
  onFault: (why: NoFix) => void
  onPace: (pace: Pace) => void
}

export class Follower {
  readonly #hearers: Hearers
  #battery: Battery | null = null
  #stop: (() => void) | null = null
  #pace: Pace = paceOf(null)

  constructor(hearers: Hearers) {
    this.#hearers = hearers
    watchBattery((battery) => {
      this.#battery = battery
      const pace = paceOf(battery)
      if (pace.name === this.#pace.name) return
      this.#pace = pace
      hearers.onPace(pace)
      if (this.#stop) {
        this.end()
        this.begin()
      }
    })
  }

  get runs(): boolean {
    return this.#stop !== null
  }

  begin(): void {
    if (this.#stop) return
    this.#pace = paceOf(this.#battery)
    this.#hearers.onPace(this.#pace)
    const { every_ms } = this.#pace
    this.#stop = every_ms === null ? watchPosition(this.#hearers.onFix, this.#hearers.onFault) : this.#nowAndThen(every_ms)
  }

  end(): void {
    this.#stop?.()
    this.#stop = null
  }

  /** The receiver sleeps between two positions. */
  #nowAndThen(every_ms: number): () => void {
    let over = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const once = async (): Promise<void> => {
      try {
        const fix = await locate()
        if (!over) this.#hearers.onFix({ ...fix, at_ms: Date.now() })
      } catch (why) {
        if (!over) this.#hearers.onFault(why as NoFix)
      }
      if (!over) timer = setTimeout(() => void once(), every_ms)
    }
    void once()
    return () => {
      over = true
      clearTimeout(timer)
    }
  }
}
