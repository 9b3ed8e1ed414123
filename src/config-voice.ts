import { httpUrl, setting, socketUrl, text } from './config-values.ts'

/** Who speaks and understands. */
export const voice = {
  modelsFolder: setting({
    variable: 'HASHDIAL_MODELS_FOLDER',
    unit: 'folder',
    default: '',
    why: 'where `npm run models` has put the offline speech recognition; empty: there is none',
    parse: text(1024),
  }),
  openaiUrl: setting({
    variable: 'HASHDIAL_OPENAI_URL',
    unit: 'URL',
    default: '',
    why: 'a speech server with /audio/speech and /audio/transcriptions, such as https://api.openai.com/v1; empty: none',
    parse: httpUrl,
  }),
  openaiKey: setting({
    variable: 'HASHDIAL_OPENAI_KEY',
    unit: 'key',
    default: '',
    why: 'what the speech server wants as Bearer token; empty: nothing',
    parse: text(1024),
  }),
  openaiVoiceModel: setting({
    variable: 'HASHDIAL_OPENAI_VOICE_MODEL',
    unit: 'name',
    default: 'gpt-4o-mini-tts',
    why: 'the model that speaks there',
    parse: text(255),
  }),
  openaiTranscriptionModel: setting({
    variable: 'HASHDIAL_OPENAI_TRANSCRIPTION_MODEL',
    unit: 'name',
    default: 'whisper-1',
    why: 'the model that understands there',
    parse: text(255),
  }),
  deepgramUrl: setting({
    variable: 'HASHDIAL_DEEPGRAM_URL',
    unit: 'URL',
    default: 'wss://api.deepgram.com',
    why: 'where Deepgram listens',
    parse: socketUrl,
  }),
  deepgramKey: setting({
    variable: 'HASHDIAL_DEEPGRAM_KEY',
    unit: 'key',
    default: '',
    why: 'the key of Deepgram, which understands (`deepgram`); empty: it is not used',
    parse: text(1024),
  }),
  elevenlabsUrl: setting({
    variable: 'HASHDIAL_ELEVENLABS_URL',
    unit: 'URL',
    default: 'wss://api.elevenlabs.io',
    why: 'where ElevenLabs speaks',
    parse: socketUrl,
  }),
  elevenlabsKey: setting({
    variable: 'HASHDIAL_ELEVENLABS_KEY',
    unit: 'key',
    default: '',
    why: 'the key of ElevenLabs, which speaks (`elevenlabs`); empty: it is not used',
    parse: text(1024),
  }),
  cartesiaUrl: setting({
    variable: 'HASHDIAL_CARTESIA_URL',
    unit: 'URL',
    default: 'wss://api.cartesia.ai',
    why: 'where Cartesia speaks',
    parse: socketUrl,
  }),
  cartesiaKey: setting({
    variable: 'HASHDIAL_CARTESIA_KEY',
    unit: 'key',
    default: '',
    why: 'the key of Cartesia, which speaks (`cartesia`); empty: it is not used',
    parse: text(1024),
  }),
} as const
