// The store's contents as a ClusterImage, kept current, and handed to whoever must make the broker match it.
// Promises that `image()` shows only what every subscriber has applied (a leader that Metadata names exists), and that a
// lost event costs nothing: entries are always read again. Leaves the meaning of entries to layout.ts.
import type { ClusterImage, ImageDelta } from './image.ts'

/** Makes something of the broker match the image: replicas, dynamic settings, coordinators. */
export interface ImageSubscriber {
  /**
   * Level-triggered: `image` is the whole truth, `delta` what differs from the image that was last applied without an
   * error. Steps that fell together are applied as one. The next call comes only after this one has settled.
   */
  apply(image: ClusterImage, delta: ImageDelta): void | Promise<void>
}
