import sherpa from 'sherpa-onnx-node'
import { answerJobs } from '../answer-jobs.ts'
import { data } from '../far.ts'
import type { ModelPaths } from '../models.ts'

const models = data as ModelPaths
const recognizer = new sherpa.OfflineRecognizer({
  featConfig: { sampleRate: 16_000, featureDim: 80 },
  modelConfig: {
    moonshine: { encoder: models['encoder_model.onnx'], mergedDecoder: models['decoder_model_merged.onnx'] },
    ...{ tokens: models['tokens.txt'], numThreads: 1, provider: 'cpu', debug: 0 },
  },
})

answerJobs((samples: Float32Array): string => {
  const stream = recognizer.createStream()
  stream.acceptWaveform({ samples, sampleRate: 16_000 })
  recognizer.decode(stream)
  return recognizer.getResult(stream).text.trim()
})
