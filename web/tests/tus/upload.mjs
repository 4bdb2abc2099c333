// Uploads files with tus-js-client and says how it went; started by tests/api/test_uploads.py.
//
// Standard input: { endpoint, token, chunk_bytes, files: [{ path, sha256, media_type }] }.
// Standard output: one JSON line for each file: { sha256, done, url, error }.

import { readFileSync } from 'node:fs'
import { Upload } from 'tus-js-client'

const order = JSON.parse(readFileSync(0, 'utf8'))

function upload(file) {
  return new Promise((resolve) => {
    const job = new Upload(readFileSync(file.path), {
      endpoint: order.endpoint,
      chunkSize: order.chunk_bytes,
      headers: { Authorization: `Bearer ${order.token}` },
      metadata: { sha256: file.sha256, filetype: file.media_type, filename: '../../etc/passwd' },
      retryDelays: [0, 5, 20, 50, 100, 200, 400, 800, 1600],
      storeFingerprintForResuming: false,
      onError: (error) => resolve({ sha256: file.sha256, done: false, url: job.url, error: String(error) }),
      onSuccess: () => resolve({ sha256: file.sha256, done: true, url: job.url, error: null }),
    })
    job.start()
  })
}

for (const file of order.files) process.stdout.write(`${JSON.stringify(await upload(file))}\n`)
