"""PyTorch: torchvision's vgg16().features in channels_last, fed by a DataLoader with a process for each core."""

import peer
import torch
import torchvision
from torchvision.transforms import v2

BATCH = 8

torch.set_num_threads(peer.THREADS)
model = torchvision.models.vgg16(weights=None).features.eval()
with torch.inference_mode():
    convolutions = [layer for layer in model if isinstance(layer, torch.nn.Conv2d)]
    for layer, (kernel, bias) in zip(convolutions, peer.read_weights(), strict=True):
        kernel = torch.from_numpy(kernel).permute(3, 2, 0, 1)
        layer.weight.copy_(kernel.flip(1) if layer.in_channels == 3 else kernel)  # the weights take BGR
        layer.bias.copy_(torch.from_numpy(bias))
model = model.to(memory_format=torch.channels_last)
mean = torch.tensor(peer.MEAN_RGB).reshape(1, 3, 1, 1)


def stack(pixels):
    """uint8 NCHW to float32 NHWC."""
    with torch.inference_mode():
        batch = (pixels.float() - mean).contiguous(memory_format=torch.channels_last)
        return model(batch).permute(0, 2, 3, 1).numpy()


class Photographs(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.paths = paths
        self.transform = v2.Compose([v2.Resize(peer.SIZE), v2.CenterCrop(peer.SIZE)])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        data = torchvision.io.read_file(self.paths[index])
        return self.transform(torchvision.io.decode_jpeg(data, mode=torchvision.io.ImageReadMode.RGB))


loader = None  # its processes live on: to start them is not what is measured


def files(folder, save):
    global loader
    loader = loader or torch.utils.data.DataLoader(
        Photographs(peer.paths_in(folder)), batch_size=BATCH, num_workers=peer.THREADS, persistent_workers=True
    )
    count = 0
    for batch in loader:
        save(stack(batch))
        count += len(batch)
    return count


def run(pixels):
    return stack(torch.from_numpy(pixels).permute(0, 3, 1, 2))


peer.serve("torch", f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}", BATCH, run, files)
