/** Where the servers of known providers are, as far as a provider is in one place: below it is `/chat/completions`. */
export const knownProviders = {
  openai: 'https://api.openai.com/v1',
  gemini: 'https://generativelanguage.googleapis.com/v1beta/openai',
  groq: 'https://api.groq.com/openai/v1',
  mistral: 'https://api.mistral.ai/v1',
  /** On this machine, as `ollama serve` listens: HASHDIAL_FETCH_PRIVATE has to allow it. */
  ollama: 'http://127.0.0.1:11434/v1',
  /** vLLM, llama.cpp, LocalAI, Azure: wherever `engine_url` says. */
  custom: '',
} as const

/** `<provider>.<model>`, of which the model may have dots too. */
export function partsOf(engineModel: string): { provider: string; model: string } {
  const [provider = ''] = engineModel.split('.')
  return { provider, model: engineModel.slice(provider.length + 1) }
}
