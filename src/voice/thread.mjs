// The entry of every thread, in plain JavaScript: Node 20 does not carry tsx from the main thread into others.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.file)
