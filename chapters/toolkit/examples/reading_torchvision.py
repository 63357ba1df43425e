"""How fast torchvision's ImageFolder reads a folder with num_workers=0.

What reading.rs is compared with:

    python reading_torchvision.py FOLDER [side] [channels] [seconds]

FOLDER holds one folder a class. Reads one epoch in batches of 128, or as much of it as the
seconds allow.
"""

import sys
import time

from torch.utils.data import DataLoader
from torchvision import datasets, transforms

folder = sys.argv[1]
side, channels, limit = (int(a) for a in sys.argv[2:] + ["64", "1", "60"][len(sys.argv) - 2 :])
steps = [transforms.Grayscale()] if channels == 1 else []
steps += [transforms.Resize((side, side)), transforms.ToTensor()]
images = datasets.ImageFolder(folder, transforms.Compose(steps))
loader = DataLoader(images, batch_size=128, shuffle=True, num_workers=0)

count, start = 0, time.perf_counter()
for batch, _ in loader:
    count += len(batch)
    if time.perf_counter() - start > limit:
        break
seconds = time.perf_counter() - start
print(f"torchvision: {count} images in {seconds:.3f} s, {count / seconds:.0f} a second")
