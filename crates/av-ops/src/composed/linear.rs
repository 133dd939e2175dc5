//! Linear maps, and rows of a table.

use candle_core::Tensor;

use crate::Result;

/// A linear map of each row.
pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let y = x.reshape(((), inputs))?.matmul(&weight.contiguous()?.t()?)?.broadcast_add(bias)?;
    let mut shape = x.dims().to_vec();
    shape.pop();
    shape.push(outputs);
    Ok(y.reshape(shape)?)
}

/// The rows of a table that indices name.
pub(crate) fn embedding(table: &Tensor, indices: &Tensor, shape: Vec<usize>) -> Result<Tensor> {
    let indices = indices.flatten_all()?.contiguous()?;
    Ok(table.contiguous()?.index_select(&indices, 0)?.reshape(shape)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::testing::{check, normal};
    use super::*;
    use crate::{embedding, linear};

    #[test]
    fn linear_agrees_with_the_kernel() {
        for (shape, inputs, outputs) in
            [(&[3][..], 3, 2), (&[1, 4], 4, 1), (&[67, 5], 5, 3), (&[2, 3, 4, 5], 5, 66)]
        {
            let tensors = [
                normal("x", shape),
                normal("weight", &[inputs, outputs]),
                normal("bias", &[outputs]),
            ];
            let case = format!("{shape:?} to {outputs}");
            check(&case, &tensors, &|t| linear(&t[0], &t[1].t().unwrap(), Some(&t[2])).unwrap());
            check(&case, &tensors[..2], &|t| linear(&t[0], &t[1].t().unwrap(), None).unwrap());
        }
        let turned = [normal("x", &[4, 5, 2]), normal("weight", &[3, 4])];
        check("turned", &turned, &|t| linear(&t[0].transpose(0, 2).unwrap(), &t[1], None).unwrap());
    }

    #[test]
    fn embedding_agrees_with_the_kernel() {
        let table = [normal("table", &[3, 7])];
        for shape in [&[1][..], &[5], &[4, 2, 3]] {
            let count = shape.iter().product();
            let indices: Vec<u32> = [6, 0, 2, 2, 6].into_iter().cycle().take(count).collect();
            let indices = Tensor::from_vec(indices, shape, &Device::Cpu).unwrap();
            let last = indices.rank() - 1;
            let turned = indices.transpose(0, last).unwrap();
            check(&format!("{shape:?}"), &table, &|t| {
                embedding(&t[0].t().unwrap(), &turned).unwrap()
            });
        }
    }
}
