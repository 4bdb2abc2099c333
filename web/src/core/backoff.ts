// Pauses of whoever asks again and again: doubling after each failure up to a limit, spread so that phones
// that lost the server together do not come back together; short again after a success.

export interface BackoffPorts {
  random: () => number
}

export class Backoff {
  readonly #first_ms: number
  readonly #longest_ms: number
  readonly #random: () => number
  #failures = 0

  constructor(first_ms: number, longest_ms: number, { random }: BackoffPorts) {
    this.#first_ms = first_ms
    this.#longest_ms = longest_ms
    this.#random = random
  }

  failed(): void {
    this.#failures += 1
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** The pause before the next try: the first one while all is well, at least half of the doubled one else. */
  get pause_ms(): number {
    if (this.#failures === 0) return this.#first_ms
    const full = Math.min(this.#first_ms * 2 ** Math.min(this.#failures, 30), this.#longest_ms)
    return Math.round(full * (0.5 + this.#random() / 2))
  }
}
