/**
 * Asterisk sends only these (PUT /applications/…/eventFilter): 17 messages a call instead of 69.
 * The filter holds back the responses to REST over the WebSocket too, unless they are named.
 */
export const wantedEvents = [
  ...['RESTResponse', 'StasisStart', 'StasisEnd', 'ChannelStateChange', 'ChannelDestroyed', 'ChannelDtmfReceived'],
  ...['PlaybackFinished', 'RecordingFinished', 'RecordingFailed', 'ChannelUserevent', 'ApplicationReplaced'],
  ...['ChannelTransfer', 'ChannelTalkingStarted', 'ChannelTalkingFinished'],
]
