"""The decoder that plays: numpy only, ids only. What an id means is somebody else's business."""
